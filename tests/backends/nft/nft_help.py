"""Short ways to write rules, and loading many rulesets in one namespace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from polc.backends.model import Options, Output
from polc.backends.nft.backend import NftBackend
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Direction, InterfaceMatch, InterfacePattern, PortTerm, ServiceMatch, Side
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Chain, ChainType, DynamicSet, Hook, Rule, Ruleset
from polc.ir.verdicts import Drop
from polc.kernel.netns import Namespace
from polc.passes import pipeline


def ruleset(rules: Iterable[Rule], chains: tuple[Chain, ...] = (), sets: tuple[DynamicSet, ...] = ()) -> Ruleset:
    """The rules in an input chain that drops, after the passes."""
    chain = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), tuple(rules))
    return pipeline.run(Ruleset((chain, *chains), sets))


def emit(rules: Ruleset, format: str = "json") -> Output:
    return NftBackend().emit(rules, Options(format))


def text(rules: Ruleset, format: str = "json") -> str:
    """The one file of a ruleset of which nothing is refused."""
    (file,) = emit(rules, format).files
    return file.text


def numbers(*values: int) -> Intervals:
    return Intervals.of((value, value) for value in values)


def tcp(*ports: int) -> ServiceMatch:
    return ServiceMatch((PortTerm(TCP, dport=numbers(*ports)),))


def from_interfaces(*names: str, negated: bool = False) -> InterfaceMatch:
    found = tuple(InterfacePattern(name.removesuffix("*"), name.endswith("*")) for name in names)
    return InterfaceMatch(Direction.IN, found, negated)


def from_addresses(*texts: str, negated: bool = False) -> AddressMatch:
    return AddressMatch(Side.SADDR, AddressSet.of(parse_address(one) for one in texts), negated)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What ``nft list table`` said after JSON and after text; and ``nft -j list``."""

    by_json: str
    by_text: str
    listed_json: str


_SCRIPT = """
set -e
# nft lists the time of day in the local zone.
export TZ=UTC
for one in "$@"; do
    nft -j -f $one.json
    nft list table inet polc > $one.by_json
    nft -j list table inet polc > $one.listed_json
    nft -f $one.text
    nft list table inet polc > $one.by_text
done
"""


def load_all(namespace: Namespace, directory: Path, rulesets: Sequence[Ruleset]) -> list[Loaded]:
    """Load each ruleset in all ways, one after the other; a failure of nft fails the test with nft's words."""
    names = []
    for number, one in enumerate(rulesets):
        names.append(str(directory / str(number)))
        for kind in ("json", "text"):
            (directory / f"{number}.{kind}").write_text(text(one, kind))
    done = namespace.run(["sh", "-c", _SCRIPT, "sh", *names], timeout=300)
    assert done.returncode == 0, done.stderr
    return [
        Loaded(*(Path(f"{name}.{part}").read_text() for part in ("by_json", "by_text", "listed_json")))
        for name in names
    ]
