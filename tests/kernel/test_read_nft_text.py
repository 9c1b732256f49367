"""nft's own language is read through nft, and what nft says of mistakes is told at their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.diagnostics import Collector, Failure
from polc.importers.nft_json import read_nft_json
from polc.ir.matches import AddressMatch, InterfaceMatch, ServiceMatch
from polc.ir.ruleset import BaseChain, Ruleset
from polc.ir.verdicts import Accept, Jump
from polc.kernel.read_nft_text import read_nft_text
from polc.source import SourceFile

pytestmark = pytest.mark.kernel("nft")

TEXT = """\
flush ruleset
define ssh = 22
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiif "lo" accept
\t\tiif { eth7, "eth8" } tcp dport $ssh ip saddr 192.0.2.0/24 accept comment "CHG-1207"
\t\tjump rest
\t}
\tchain rest { }
}
"""


def read(text: str, path: str = "ruleset.nft") -> tuple[Ruleset, ...]:
    return read_nft_json(read_nft_text(SourceFile(path, text)), Collector())


def test_a_ruleset() -> None:
    (found,) = read(TEXT)
    (loopback, ssh, rest) = found.chains[0].rules
    assert loopback.verdict == ssh.verdict == Accept()
    assert [type(one) for one in ssh.matches] == [InterfaceMatch, ServiceMatch, AddressMatch]
    assert ssh.origin.comment == "CHG-1207"
    assert rest.verdict == Jump("rest")
    assert rest.origin.span is not None
    assert rest.origin.span.source.path == "ruleset.nft as nft lists it"


def test_several_tables_of_several_families() -> None:
    found = read("table ip a { }\ntable ip6 a { }\ntable arp b { }\ntable bridge c { }\n")
    assert [(one.family.value, one.table) for one in found] == [
        ("ip", "a"),
        ("ip6", "a"),
        ("arp", "b"),
        ("bridge", "c"),
    ]


def test_chains_of_devices_have_them() -> None:
    """Which JSON of nft 1.0.6 leaves out."""
    chains = "chain one { type filter hook ingress device eth7 priority 0; }\n"
    chains += "chain both { type filter hook ingress devices = { eth7, eth8 } priority 0; }\n"
    (found,) = read(f"table netdev t {{\n{chains}}}\n")
    one, both = found.chains
    assert isinstance(one, BaseChain)
    assert isinstance(both, BaseChain)
    assert one.devices == ("eth7",)
    assert set(both.devices) == {"eth7", "eth8"}


def test_a_table_that_sleeps_stays_asleep() -> None:
    assert read("table inet t {\n\tflags dormant\n\tchain c { }\n}\n") == ()


def test_what_stands_beside_a_file_is_included(tmp_path: Path) -> None:
    (tmp_path / "more.nft").write_text("table inet more { }\n")
    found = read('include "more.nft"\n', str(tmp_path / "ruleset.nft"))
    assert [one.table for one in found] == ["more"]


def errors(text: str) -> list[tuple[str, str]]:
    with pytest.raises(Failure) as failure:
        read_nft_text(SourceFile("ruleset.nft", text))
    found = failure.value.diagnostics
    assert {one.code for one in found} == {"POL536"}
    return [(one.message, one.span.text if one.span else "") for one in found]


def test_mistakes_are_told_at_their_place() -> None:
    (first, *_) = errors("table inet t {\n\tchain c {\n\t\ttcp dprot 22 accept\n\t}\n}\n")
    assert first == ("nft does not take this: syntax error, unexpected string", "dprot")
    (found,) = errors('table inet t {\n\tchain c {\n\t\tlog prefix "ä" tcp dport 70000\n\t}\n}\n')
    assert found == ("nft does not take this: service out of range", "70000")


def test_mistakes_of_the_kernel_and_of_files() -> None:
    (found,) = errors("table inet t {\n\tchain c {\n\t\tjump nowhere\n\t}\n}\n")
    assert found[0].startswith("nft does not take this: could not process rule")
    (found,) = errors('include "/nonexistent"\n')
    assert "not found" in found[0]
