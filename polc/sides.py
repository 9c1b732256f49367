"""A firewall as a person names it: files of any kind, several of one host together, or the live kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from polc.diagnostics import Collector, Failure
from polc.diagnostics.suggest import did_you_mean
from polc.diffing.names import Names
from polc.diffing.sides import Side
from polc.firewalls import is_nft_json, is_policy
from polc.importers.iptables.read import Input, Kind, family_of, kind_of, read
from polc.importers.nft_json import read_nft_json
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import FAMILIES, Family
from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet, Ruleset, TableFamily
from polc.ir.selectors import ADDRESS_TYPES, Element
from polc.ir.services import normalise
from polc.policy.files import read_file
from polc.policy.lower.symbols import resolve_symbols
from polc.policy.read import Inspection, inspect_source
from polc.source import SourceFile
from polc.symbolic.hooks import Loaded

LIVE = ("live:nft", "live:iptables")
"""What stands for the live kernel: all tables of nft, and what iptables-save, ip6tables-save and ipset list."""

_NFT_TEXT = re.compile(
    r"^(?:#!.*\bnft\b|[ \t]*(?:flush ruleset|(?:add |create |destroy )?table (?:inet|ip6?|netdev|bridge|arp) \S))",
    re.MULTILINE,
)
_IN_DIRECTORY = ("rules.v4", "rules.v6", "sets.ipset")
_SET_SUFFIX = {Family.IP: "-v4", Family.IP6: "-v6"}
_FAMILIES = {TableFamily.IP: (Family.IP,), TableFamily.IP6: (Family.IP6,)}


def files_of(words: str) -> tuple[str, ...]:
    """The files that are named together, ``rules.v4,rules.v6``; a directory stands for those of iptables in it."""
    found: list[str] = []
    for word in (words,) if Path(words).exists() else words.split(","):
        if Path(word).is_dir():
            inside = [str(Path(word) / name) for name in _IN_DIRECTORY if (Path(word) / name).is_file()]
            if not inside:
                hint = f"such as {', '.join(_IN_DIRECTORY)}"
                raise Failure.of("POL001", "the directory has no file of a firewall", path=word, help=hint)
            found += inside
        else:
            found.append(word)
    return tuple(found)


def read_side(words: str, collector: Collector) -> Side:
    """The firewall that ``words`` names: files joined by commas, a directory, ``-`` or one of ``LIVE``.

    Raises:
        Failure: with all that is wrong in it; POL6xx where the kernel or nft cannot be asked.
    """
    loaded: list[Loaded] = []
    names = Names()
    inputs: list[Input] = []
    both = False
    for source in _sources(words):
        if is_nft_json(source):
            loaded += (Loaded(one) for one in read_nft_json(source, collector))
            both = True
        elif is_policy(source):
            inspected = inspect_source(source, collector)
            loaded.append(Loaded(inspected.ruleset))
            names = _together(names, names_of(inspected))
            both = True
        elif _NFT_TEXT.search(source.text):
            from polc.kernel.read_nft_text import read_nft_text

            loaded += (Loaded(one) for one in read_nft_json(read_nft_text(source), collector))
            both = True
        else:
            kind = kind_of(source.text)
            if kind is None:
                # Whatever it is, it is told of as a policy: most files are.
                inspect_source(source, collector)
                raise Failure.of("POL069", "this is no firewall that polc reads", source.whole())
            inputs.append(Input(source, kind, family_of(source)))
    if inputs and all(one.kind is Kind.IPSET for one in inputs):
        raise Failure.of("POL068", "a file of sets is no firewall by itself", inputs[0].source.whole())
    if inputs:
        loaded += (Loaded(one, Flavour.IPTABLES) for one in read(inputs, collector))
    families = FAMILIES if both else {one for each in loaded for one in _FAMILIES.get(each.ruleset.family, FAMILIES)}
    return Side(tuple(loaded), names, frozenset(families))


def _sources(words: str) -> Iterable[SourceFile]:
    for word in files_of(words):
        if word in LIVE:
            from polc.kernel.live_listing import list_iptables, list_nft

            yield from (list_nft(),) if word == "live:nft" else list_iptables()
        else:
            yield read_file(word, standard_input=word == "-")


def names_of(inspected: Inspection) -> Names:
    """What a policy calls things."""
    merged = inspected.merged
    symbols = resolve_symbols(merged.definitions, merged.broken, Collector())
    own = merged.definitions["services"]
    services = {name: symbols.services[name] for name in own}
    return Names(
        {name: zone.patterns for name, zone in symbols.zones.items() if zone is not None and zone.addresses is None},
        {name: one for name, one in symbols.addresses.items() if isinstance(one, AddressSet)},
        {name: normalise(part.term for part in one) for name, one in services.items() if one is not None},
        {one.name: name for name, sets in symbols.dynamic.items() for one in sets or ()},
    )


def _together(one: Names, other: Names) -> Names:
    return Names(
        {**one.zones, **other.zones}, {**one.addresses, **other.addresses}, {**one.services, **other.services},
        {**one.sets, **other.sets},
    )  # fmt: skip


# Elements that somebody vouches for


def with_elements(sides: Sequence[Side], given: Mapping[str, str]) -> tuple[Side, ...]:
    """The sides with what is in their named sets: NAME to addresses, joined by commas. A group of a policy stands for
    its sets of both families.

    Raises:
        ValueError: no side has such a set, it does not hold addresses alone, or these are none.
    """
    for name, text in given.items():
        wanted = [parse_address(part.strip()) for part in text.split(",") if part.strip()]
        known = [one for side in sides for ruleset in side.rulesets for one in ruleset.sets]
        called = {one.name for one in known if _is_called(one, name)}
        if not called:
            hint = did_you_mean(name, sorted({one.name for one in known}))
            raise ValueError(f"there is no set `{name}`" + (f": {hint}" if hint else ""))
        sides = [_with(side, called, wanted) for side in sides]
    return tuple(sides)


def _is_called(one: DynamicSet, name: str) -> bool:
    return one.name == name or one.name in {f"{name}{suffix}" for suffix in _SET_SUFFIX.values()}


def _with(side: Side, called: set[str], wanted: Iterable[tuple[Family, int, int]]) -> Side:
    items = tuple(wanted)

    def filled(one: DynamicSet) -> DynamicSet:
        if one.name not in called:
            return one
        family = next((of for of in FAMILIES if one.types == (ADDRESS_TYPES[of],)), None)
        if family is None:
            raise ValueError(f"the set `{one.name}` does not hold addresses alone")
        inside = AddressSet.of(items).of_family(family)
        elements: tuple[Element, ...] = tuple((Intervals((pair,)),) for pair in inside.ranges)
        return replace(one, elements=elements, intervals=True)

    def ruleset(one: Ruleset) -> Ruleset:
        return replace(one, sets=tuple(filled(each) for each in one.sets))

    loaded = tuple(replace(one, ruleset=ruleset(one.ruleset)) for one in side.loaded)
    return replace(side, loaded=loaded, given=side.given | called)
