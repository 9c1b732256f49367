"""``polc explain POLICY RULE``: every rule of examples and golden policies has a page, with packets that were tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.cli.main import main
from polc.diagnostics import Collector, Failure
from polc.explaining.page import page
from polc.policy.read import Inspection, inspect_policy

ROOT = Path(__file__).parents[2]
POLICIES = sorted(
    path for folder in ("examples", "examples/scenarios", "tests/golden") for path in (ROOT / folder).glob("*.yaml")
)
POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24]}
input:
  default: drop
  rules:
    - use stateful
    - {rule: accept tcp/22 state new from wan @admins, id: ssh}
    - drop udp over 3/minute burst 4 per source
    - accept udp/53 from lan
    - accept udp/53 from lan where ip ttl 1
chains:
  unused: [drop]
"""


def write(folder: Path, text: str = POLICY) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text)
    return path


def inspected(path: Path) -> Inspection:
    return inspect_policy(str(path), Collector())


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_rule_has_a_page(path: Path) -> None:
    whole = inspected(path)
    found = whole.written
    for section, rules in (*found.base.items(), *found.chains.items()):
        for number in range(1, len(rules) + 1):
            text = page(whole, f"{section}/{number}")
            assert f"  {section}/{number}" in text.splitlines()[0]
            assert "On nft\n" in text
            assert "On iptables\n" in text
            assert "packet" in text.rpartition("\n\n")[2]


def test_most_rules_have_a_packet() -> None:
    pages = []
    for path in POLICIES:
        whole = inspected(path)
        for section, rules in whole.written.base.items():
            pages += [page(whole, f"{section}/{number}") for number in range(1, len(rules) + 1)]
    found = [one for one in pages if "\nA packet that meets it\n" in one]
    assert len(pages) > 150
    assert len(found) > 0.7 * len(pages)


def test_what_it_says(tmp_path: Path) -> None:
    text = page(inspected(write(tmp_path)), "ssh")
    place = f"{tmp_path}/policy.yaml:8"
    assert text.startswith(f"{place}  input/2  ssh\n")
    assert "service is tcp/22\n" in text
    assert "saddr is @admins\n" in text or "saddr is 198.51.100.0/24\n" in text
    assert 'comment "policy.yaml:8 ssh"' in text
    assert '--comment "policy.yaml:8 ssh" -j ACCEPT' in text
    packet, *_ = text.partition("A packet that meets it\n")[2].splitlines()
    assert packet.strip() == "tcp 198.51.100.9:40000 -> 198.18.1.1:22 in eth0"
    assert "iifname is polc1, and not eth0" in text


def test_an_excess_is_a_packet_that_others_came_before(tmp_path: Path) -> None:
    text = page(inspected(write(tmp_path)), "input/3")
    assert "(5 times in a row: the last one)" in text
    assert "(4 times in a row: the last one)" in text.partition("just miss")[2]


def test_a_rule_that_another_one_covers_has_no_packet(tmp_path: Path) -> None:
    assert "No packet was found that meets it" in page(inspected(write(tmp_path)), "input/5")
    assert "No packet was found that meets it" in page(inspected(write(tmp_path)), "unused/1")


def test_a_macro_is_expanded(tmp_path: Path) -> None:
    text = page(inspected(write(tmp_path)), ":7")
    assert "It stands for 2 rules\n" in text
    assert "1. in `input`" in text


@pytest.mark.parametrize(
    ("selector", "help"),
    [
        ("input/9", "did you mean `input/"),
        ("shs", "did you mean `ssh`?"),
        (":9999999999999999999999", "`unused/1` begins in line"),
        ("2", ""),
        ("\x00", "rules are `SECTION/NUMBER`"),
    ],
)
def test_no_such_rule(selector: str, help: str, tmp_path: Path) -> None:
    with pytest.raises(Failure) as found:
        page(inspected(write(tmp_path)), selector)
    (one,) = found.value.diagnostics
    assert one.code == "POL067"
    assert help in one.help


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(tmp_path))
    assert main(["explain", path, "input/2"]) == 0
    assert "On iptables" in capsys.readouterr().out
    assert main(["explain", path, "no"]) == 2
    assert "error[POL067]" in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "none.yaml"), "input/1"]) == 2
