"""On every loader sets that nothing fills are filled before packets are sent, as others do it at run time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import every_loader

from polc.backends.model import Output, OutputFile
from polc.cli.main import main
from polc.compiler import emit, read
from polc.diagnostics import Failure
from polc.ir.filling import Filling
from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import KeyType
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace
from polc.probing.certify import certified, flavour_of
from polc.probing.make import plan
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from tests.probing.filled import GROUPS

POLICY = GROUPS + "output:\n  default: accept\n  rules: [drop to @banned]\n"
LISTED = """\
table inet fw {
  set a { type ipv4_addr; flags interval; }
  set b { type ipv4_addr . inet_proto . inet_service; flags timeout; timeout 1h; }
  set c { type ifname; }
  set d { type mark; }
  set e { type ether_addr; }
  set f { type inet_proto; }
  set g { type inet_service; flags interval; }
  set h { type ipv6_addr . ipv6_addr; flags interval; }
  set i { type ct_state; }
  set j { type ipv4_addr . inet_service; flags interval; }
  set k { type ipv4_addr . ipv4_addr; }
  chain input {
    type filter hook input priority 0; policy drop;
    ip saddr @a tcp dport 1 accept
    ip saddr . meta l4proto . tcp dport @b accept
    iifname @c tcp dport 2 accept
    meta mark @d tcp dport 3 accept
    ether saddr @e tcp dport 4 accept
    meta l4proto @f ip saddr 10.1.1.1 accept
    udp dport @g accept
    ip6 saddr . ip6 daddr @h tcp dport 6 accept
    ct state @i tcp dport 7 accept
    ip saddr . tcp dport @j accept
    ip saddr != @a ip saddr . ip daddr @k accept
  }
}
table ip other {
  set a { type ipv4_addr; }
  chain output {
    type filter hook output priority 0; policy accept;
    ip daddr @a drop
    ip saddr != @a udp dport 9 drop
  }
}
"""


def written(directory: Path, text: str = POLICY, name: str = "policy.yaml") -> str:
    path = directory / name
    path.write_text(text)
    return str(path)


@every_loader("ipset", "conntrack")
def test_members_are_met_on_every_loader(loader: Loader, tmp_path: Path) -> None:
    ruleset = read(written(tmp_path))
    made = plan((Loaded(ruleset, flavour_of(loader)),), wish=Wish(gaps=True))
    found = certified(made, (ruleset,), loader, emit(ruleset, loader.target))
    assert not found.problems
    assert not found.disagreements
    assert set(made.rules) == found.met


BREAKS = {
    "another group": {"nft": ('"right":"@nets-v4"', '"right":"@friends-v4"'),
                      "iptables": ("nets-v4 src", "friends-v4 src")},
    "the other end": {"nft": ('"field":"saddr"}},"right":"@banned-v6"', '"field":"daddr"}},"right":"@banned-v6"'),
                      "iptables": ("banned-v6 src", "banned-v6 dst")},
    "not outside": {"nft": ('"op":"!="', '"op":"=="'), "iptables": ("! --match-set friends", "--match-set friends")},
}  # fmt: skip


@every_loader("ipset", "conntrack")
@pytest.mark.parametrize("kind", BREAKS)
def test_what_is_broken_is_seen(loader: Loader, kind: str, tmp_path: Path) -> None:
    ruleset = read(written(tmp_path))
    made = plan((Loaded(ruleset, flavour_of(loader)),))
    output = emit(ruleset, loader.target)
    old, new = BREAKS[kind][loader.target]
    assert any(old in file.text for file in output.files)
    broken = Output(tuple(OutputFile(one.name, one.text.replace(old, new)) for one in output.files))
    found = certified(made, (ruleset,), loader, broken, trace=loader.target == "nft")
    assert not found.problems
    assert found.disagreements


@every_loader("ipset")
def test_what_cannot_be_put_in_is_a_problem_of_the_loader(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    ruleset = read(written(tmp_path))
    absent = DynamicSet("absent", (KeyType.IPV4_ADDR,), None, None)
    more = replace(ruleset, sets=(*ruleset.sets, absent))
    loader.load(scratch, emit(ruleset, loader.target))
    given = Filling("inet polc", "absent", absent.types, ((Intervals.single(9),),))
    with pytest.raises(Failure, match="POL603"):
        loader.fill(scratch, (more,), (given,))


@pytest.mark.kernel("nft", "conntrack")
def test_keys_of_every_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["verify", "--output-format", "json", written(tmp_path, LISTED, "listed.nft")])
    found = json.loads(capsys.readouterr().out)
    assert status == 0, found
    assert not found["probes"]["unreached"]
    assert {(one["table"], one["set"]) for one in found["probes"]["filled"]} >= {
        *(("inet fw", name) for name in "abcdefghijk"),
        ("ip other", "a"),
    }


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset", "conntrack")
def test_the_report_says_so_and_files_have_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy, probes = written(tmp_path), str(tmp_path / "probes.json")
    assert main(["verify", policy, "--write-probes", probes]) == 0
    first = capsys.readouterr().out
    assert "put into sets before packets were sent: " in first
    assert "elements into `banned-v4`" in first
    assert "not reached" not in first
    assert first.count("read back: same as compiled") == 3
    assert main(["verify", policy, "--probes", probes]) == 0
    assert capsys.readouterr().out.count("all as expected; 6 of 6 rules decide one") == 3
