"""Each lint: its example triggers it and nothing else that counts, a near miss does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.analysis.registry import LINTS, findings
from polc.diagnostics import Collector, Severity
from polc.diagnostics.codes import CODES
from polc.policy import read_policy

ALL = ("use stateful", "use loopback", "use icmp-essentials", "accept ssh state new")
GUARD = "drop ssh over 10/minute burst 10 per source"


def policy(*rules: str, default: str = "drop", chain: str = "input") -> str:
    return f"polc: 1\n{chain}:\n  default: {default}\n  rules:\n" + "".join(f"    - {rule}\n" for rule in rules)


def codes(text: str, tmp_path: Path, *, notes: bool = False) -> list[str]:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    found = findings(read_policy(str(path), Collector()))
    return [one.code for one in found if notes or one.severity is not Severity.NOTE]


@pytest.mark.parametrize("code", [lint.code for lint in LINTS])
def test_the_example_triggers_it(code: str, tmp_path: Path) -> None:
    assert set(codes(CODES[code].example, tmp_path, notes=True)) - {"POL308"} == {code} - {"POL308"}
    assert code in codes(CODES[code].example, tmp_path, notes=True)


@pytest.mark.parametrize(
    "text",
    [
        policy(*ALL),
        policy("drop ssh state new over 10/minute burst 10 per source", *ALL),
        policy("use stateful", GUARD, *ALL[1:]),
        policy("accept state established", "drop ssh hits 3 in 10s per source", *ALL[1:], "accept state related"),
        policy("drop udp/53 over 10/second", *ALL),
        policy("accept ssh limit 10/second", *ALL),
        policy("accept state new,established,related", "use loopback", "use icmp-essentials"),
        policy(GUARD, *ALL, chain="output").replace("over", "state new over"),
        policy("accept", default="drop"),
        policy(*ALL, "drop"),
        policy(*ALL, default="reject"),
        policy("drop tcp/23", default="accept"),
        policy("use stateful", "accept icmpv6/packet-too-big", "accept tcp", chain="forward"),
        policy("use stateful", "use loopback", "accept icmpv6", "accept tcp/1-1024 from 192.0.2.0/24"),
    ],
)
def test_nothing_to_say(text: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # An earlier rule for some of the established packets settles nothing for the others.
        (policy("accept state established from 192.0.2.1", GUARD, *ALL), "POL301"),
        (policy("reject with tcp-reset tcp state new,established hits 9 in 9s per source", *ALL), "POL301"),
        (policy("accept state established from 192.0.2.1", *ALL[1:]), "POL302"),
        (policy("use stateful", "use icmp-essentials", chain="output"), "POL303"),
        (policy("use stateful", "use loopback", "accept icmp", "accept ssh"), "POL304"),
        (policy("use stateful", "use loopback", "accept icmpv6 from 2001:db8::/32", "accept ssh"), "POL304"),
        (policy(*ALL, default="accept", chain="input") + "    - drop\n    - accept dns\n", "POL305"),
        (policy(*ALL[:3], "accept ssh from loopback", "accept ssh state established"), "POL306"),
        (policy(*ALL[:3], "accept udp/22", "accept tcp/23-99"), "POL306"),
    ],
)
def test_found(text: str, code: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path) == [code]


def test_related_with_a_helper_is_fine(tmp_path: Path) -> None:
    text = policy("accept state related", *ALL)
    assert "POL307" in codes(text, tmp_path, notes=True)
    assert "POL307" not in codes(text + "    - helper ftp tcp/21\n", tmp_path, notes=True)


def test_few_sources_fill_no_table(tmp_path: Path) -> None:
    bounded = "drop ssh state new from 192.0.2.0/24 over 9/minute per source"
    assert "POL308" not in codes(policy(*ALL[:3], bounded, ALL[3]), tmp_path, notes=True)
    unbounded = "drop ssh state new from not 192.0.2.0/24 over 9/minute per source"
    assert "POL308" in codes(policy(*ALL[:3], unbounded, ALL[3]), tmp_path, notes=True)


def test_every_lint_is_registered_once_and_documented() -> None:
    registered = [lint.code for lint in LINTS]
    assert registered == sorted(set(registered))
    assert all(CODES[code].example and CODES[code].instead for code in registered)
    assert {code for code in CODES if code.startswith("POL3")} == {*registered, "POL390"}
