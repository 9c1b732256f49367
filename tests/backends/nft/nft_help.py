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
class Written:
    """A ruleset as texts to load, by format; ``family`` is that of its table."""

    name: str
    family: str
    forms: dict[str, str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What ``nft list table`` said after JSON and after text; and ``nft -j list``. Empty without that format."""

    by_json: str
    by_text: str
    listed_json: str


_SCRIPT = """
set -e
# nft lists the time of day in the local zone.
export TZ=UTC
for one in "$@"; do
    family=$(cat $one.family)
    : > $one.by_json; : > $one.by_text; : > $one.listed_json
    if [ -e $one.json ]; then
        nft -j -f $one.json || { echo "in $one.json" >&2; exit 1; }
        nft -s list table $family polc > $one.by_json
        nft -j list table $family polc > $one.listed_json
    fi
    if [ -e $one.text ]; then
        nft -f $one.text || { echo "in $one.text" >&2; exit 1; }
        nft -s list table $family polc > $one.by_text
    fi
done
"""


def load_written(namespace: Namespace, directory: Path, written: Sequence[Written]) -> list[Loaded]:
    """Load each in all ways, one after the other; a failure of nft fails the test with nft's words."""
    names = []
    for number, one in enumerate(written):
        names.append(str(directory / str(number)))
        (directory / f"{number}.family").write_text(one.family)
        for kind, words in one.forms.items():
            (directory / f"{number}.{kind}").write_text(words)
    done = namespace.run(["sh", "-c", _SCRIPT, "sh", *names], timeout=300)
    assert done.returncode == 0, done.stderr
    return [
        Loaded(*(Path(f"{name}.{part}").read_text() for part in ("by_json", "by_text", "listed_json")))
        for name in names
    ]


def load_all(namespace: Namespace, directory: Path, rulesets: Sequence[Ruleset]) -> list[Loaded]:
    """As ``load_written``, of rulesets that nft has a form for in both formats."""
    return load_written(
        namespace,
        directory,
        [Written("", one.family.value, {kind: text(one, kind) for kind in ("json", "text")}) for one in rulesets],
    )
