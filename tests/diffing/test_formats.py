"""What is written: text, JSON that its schema describes, and markdown that a forge shows as it is meant."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from between import between

from polc.diffing import as_json, as_markdown, as_text
from polc.diffing.model import Difference
from polc.resources import read_resource

SCHEMA = json.loads(read_resource("schemas", "diff.schema.json"))
BEFORE = """\
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24, "2001:db8::/64"], guest: 203.0.113.9}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh from wan @admins state new
    - accept tcp/81 from wan state new
"""
AFTER = """\
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24, "2001:db8::/64"], guest: 203.0.113.9}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh from lan state new
    - reject with tcp-reset tcp/81 from wan @guest
"""


def test_text() -> None:
    text = as_text.render(between(BEFORE, AFTER), "old", "new")
    lines = re.sub(r"\S*policy\.yaml", "policy.yaml", text)
    assert lines == """\
old -> new: 4 regions of packets are treated differently: 1 newly accepted, 3 no longer accepted

1. drop => accept: lan -> host, tcp/22
   such as `tcp 198.51.100.7:40000 -> 203.0.113.1:22 in eth1`
   before: drop, policy.yaml:4 input `policy drop`
   after:  accept, policy.yaml:8 input `accept ssh from lan state new`

2. accept => drop: wan -> host, tcp/81 from all but @guest
   such as `tcp 198.51.100.7:40000 -> 203.0.113.1:81 in eth0`
   before: accept, policy.yaml:9 input `accept tcp/81 from wan state new`
   after:  drop, policy.yaml:4 input `policy drop`

3. accept => drop: wan -> host, tcp/22 from @admins
   such as `tcp 198.51.100.7:40000 -> 203.0.113.1:22 in eth0`
   before: accept, policy.yaml:8 input `accept ssh from wan @admins state new`
   after:  drop, policy.yaml:4 input `policy drop`

4. accept => reject with tcp-reset: wan -> host, tcp/81 from @guest
   such as `tcp 203.0.113.9:40000 -> 203.0.113.1:81 in eth0`
   before: accept, policy.yaml:9 input `accept tcp/81 from wan state new`
   after:  reject with tcp-reset, policy.yaml:9 input `reject with tcp-reset tcp/81 from wan @guest`
"""  # fmt: skip


def found(**options: object) -> Difference:
    return between(BEFORE, AFTER, **options)


def test_json_is_what_the_schema_says() -> None:
    for difference in (found(), found(most=1), between(BEFORE, BEFORE)):
        written = json.loads(as_json.render(difference, "old", "new"))
        jsonschema.Draft202012Validator(SCHEMA).validate(written)
        assert written["same"] is difference.same
        assert written["total"] >= len(written["regions"])


def test_json_says_exactly_which_packets() -> None:
    region = json.loads(as_json.render(found(), "old", "new"))["regions"][2]
    assert region["packets"] == {
        "interfaces": [{"in": ["eth0"], "out": None}],
        "services": [
            {
                "family": None, "protocols": [[6, 6]], "sports": None, "dports": [[22, 22]], "types": None,
                "codes": None, "fragments": None,
            }
        ],
        "addresses": [
            {"family": "ipv4", "sources": ["198.51.100.0/24"], "destinations": None},
            {"family": "ipv6", "sources": ["2001:db8::/64"], "destinations": None},
        ],
        "states": ["new"],
        "conditions": [],
    }  # fmt: skip
    assert region["witness"]["before"]["rules"][0]["line"] == 8
    assert region["witness"]["after"]["rules"][0]["policy"]


def test_the_schema_knows_what_is_wrong() -> None:
    written = json.loads(as_json.render(found(), "old", "new"))
    written["regions"][0]["packets"]["states"] = ["fresh"]
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(written)


def test_markdown_has_a_row_and_details_for_each() -> None:
    text = as_markdown.render(found(), "old.yaml", "new.yaml")
    headline, *_ = text.splitlines()
    assert headline == (
        "### Firewall: 4 regions of packets are treated differently: 1 newly accepted, 3 no longer accepted"
    )
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0].count("|") == rows[1].count("|") == 7
    assert rows[2] == "| 1 | lan \u2192 host | tcp/22 | any | any | **drop => accept** |"
    assert len(rows) == 2 + 4
    assert text.count("- such as `tcp ") == 4
    assert "<details>" in text
    assert text.rstrip().endswith("</details>")


def test_markdown_means_nothing_by_itself() -> None:
    """Names of groups, comments and paths come from whoever opens the pull request."""
    difference = found()
    text = as_markdown.render(difference, "a|b`c.yaml", "<script>.yaml")
    assert "``a|b`c.yaml``" in text
    assert "`<script>.yaml`" in text
    assert "<script" not in re.sub(r"(`+).*?\1", "", text)
    # Nobody is called by a group's name.
    assert "@admins" not in re.sub(r"(`+).*?\1", "", text)
    escaped = as_markdown._escaped("*a* <b> [c](d) | e_f # ~g~ & @h")
    assert escaped == "\\*a\\* \\<b> \\[c\\](d) \\| e\\_f \\# \\~g\\~ &amp; @\u2060h"


@pytest.mark.parametrize("longest", [1500, 4000, 12000])
def test_markdown_fits_into_a_comment(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "".join(f"    - accept tcp/{port} from 198.51.100.{port}\n" for port in range(1, 80, 2))
    many = between("input: {default: drop}\n", f"input:\n  default: drop\n  rules:\n{rules}", most=0)
    assert many.total == 40
    whole = as_markdown.render(many, "old", "new")
    assert whole.count("\n| ") - 2 == whole.count("- such as") == 40
    monkeypatch.setattr(as_markdown, "LONGEST", longest)
    text = as_markdown.render(many, "old", "new")
    assert len(text) <= longest
    shown = text.count("\n| ") - 2
    assert 10 < shown <= 40
    assert ("smaller ones are not shown" in text) == (shown < 40)
    assert text.count("<details>") == text.count("</details>")


def test_no_difference() -> None:
    same = between("input: {default: drop}\n", "input: {default: drop}\n")
    assert as_text.render(same, "a", "b") == "a -> b: no packet is treated differently\n"
    assert as_markdown.render(same, "a", "b").startswith("### Firewall: no difference\n")
