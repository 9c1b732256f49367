"""Definitions to symbols: zones, address groups and services, each looked at whether it is used or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as AbstractMapping
from dataclasses import replace
from typing import NamedTuple

from polc.diagnostics import Collector, Failure, Label
from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern
from polc.ir.origin import Origin
from polc.ir.ruleset import DynamicSet
from polc.ir.services import normalise
from polc.policy.address_files import read_address_file
from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.clause_mapping import source_ports
from polc.policy.document import ServiceWord, SourcePorts, Word
from polc.policy.lower.graph import in_order
from polc.policy.lower.helpers import HELPERS, known_helper, protocols_of, with_helper
from polc.policy.lower.scope import Service, Symbols, Zone
from polc.policy.lower.services import resolve_services
from polc.policy.lower.values import duration, interface
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence
from polc.policy.parser import reserved
from polc.policy.rule_mapping import service_words
from polc.policy.rule_text import read_definition
from polc.source import SourceFile

DEFAULT_SIZE = 65535
"""Addresses of each family in a dynamic group without `size`: ipset's own default (ipset(8), maxelem) less one."""

LOOPBACK = "loopback"
BUILTIN_ZONES: dict[str, tuple[InterfacePattern, ...]] = {LOOPBACK: (InterfacePattern("lo"),)}
"""Linux names the loopback interface `lo` in every namespace (drivers/net/loopback.c)."""


def resolve_symbols(
    definitions: AbstractMapping[str, dict[str, Entry]], broken: AbstractMapping[str, set[str]], collector: Collector
) -> Symbols:
    """The names of a policy but its macros; what is wrong is recorded, for ``broken`` ones that has been done."""
    for kind, entries in definitions.items():
        for name, entry in entries.items():
            if name in reserved() and not (kind == "services" and name in BUILTIN_SERVICES):
                message = f"`{name}` is a word of the rule language and cannot be a name"
                collector.error("POL211", message, entry.key.span)
    dynamic = {
        name: _dynamic_sets(name, entry.value, collector)
        for name, entry in definitions["addresses"].items()
        if isinstance(entry.value, Mapping) and "dynamic" in entry.value.entries
    }
    fixed = {name: entry for name, entry in definitions["addresses"].items() if name not in dynamic}
    addresses = _addresses(fixed, broken["addresses"], dynamic, collector)
    symbols = Symbols(
        {**dict.fromkeys(broken["zones"]), **_zones(definitions["zones"], addresses, dynamic, collector)},
        addresses,
        _Services(broken["services"], collector).resolve(definitions["services"]),
        dynamic,
        frozenset((*definitions["chains"], *broken["chains"])),
    )
    of_flows = ("timeouts", "flowtables")
    if not any(definitions[kind] or broken[kind] for kind in of_flows):
        return symbols
    from polc.policy.lower.flows import flowtables, timeouts

    lost_timeouts, lost_tables = (dict.fromkeys(broken[kind]) for kind in of_flows)
    return symbols._replace(
        timeouts={**lost_timeouts, **timeouts(definitions["timeouts"], collector)},
        flowtables={**lost_tables, **flowtables(definitions["flowtables"], collector)},
    )


def _zones(
    entries: dict[str, Entry],
    groups: AbstractMapping[str, AddressSet | None],
    dynamic: Collection[str],
    collector: Collector,
) -> dict[str, Zone | None]:
    zones: dict[str, Zone | None] = {name: Zone(patterns) for name, patterns in BUILTIN_ZONES.items()}
    for name, entry in entries.items():
        if name in BUILTIN_ZONES:
            collector.error("POL211", f"the zone `{name}` is built in", entry.key.span, help="choose another name")
            continue
        behind = entry.value.get("addresses") if isinstance(entry.value, Mapping) else None
        node = entry.value.entries["interfaces"].value if isinstance(entry.value, Mapping) else entry.value
        patterns: list[InterfacePattern] = []
        sound = True
        for scalar in _scalars(node):
            try:
                patterns.append(interface(scalar.text))
            except ValueError as error:
                collector.error("POL117", str(error), scalar.span)
                sound = False
        addresses = _group(behind, groups, groups, dynamic, collector) if behind else None
        zones[name] = Zone(tuple(patterns), addresses) if sound and (addresses or not behind) else None
    return zones


def _dynamic_sets(name: str, node: Mapping, collector: Collector) -> tuple[DynamicSet, ...] | None:
    """The sets of a dynamic group, one a family: a set has addresses of one."""
    timeout, size = node.get("timeout"), node.get("size")
    seconds: int | None = None
    if isinstance(timeout, Scalar):
        try:
            seconds = duration(timeout.text)
        except ValueError as error:
            collector.error("POL114", str(error), timeout.span)
            return None
    most = int(size.text.partition(".")[0]) if isinstance(size, Scalar) else DEFAULT_SIZE
    networks, there = node.get("networks"), node.get("elements")
    intervals = isinstance(networks, Scalar) and networks.value is True
    inside = _elements(there, collector, intervals=intervals) if there else AddressSet()
    if inside is None:
        return None
    return tuple(
        replace(
            DynamicSet.of_addresses(f"{name}-{suffix}", family, most, seconds, Origin(node.span, name)),
            elements=tuple((Intervals((pair,)),) for pair in _single(inside.of_family(family), intervals=intervals)),
            intervals=intervals,
        )
        for family, suffix in ((Family.IP, "v4"), (Family.IP6, "v6"))
    )


def _elements(node: Node, collector: Collector, *, intervals: bool) -> AddressSet | None:
    """What is in a dynamic group in the beginning, None for what cannot be, which is recorded."""
    found: list[tuple[Family, int, int]] = []
    sound = True
    for scalar in _scalars(node):
        try:
            family, low, high = parse_address(scalar.text)
            if low != high and not intervals:
                raise ValueError(f"the group holds single addresses, and `{scalar.text}` is several")
        except ValueError as error:
            hint = "add `networks: true` for a group that may hold prefixes" if "several" in str(error) else ""
            collector.error("POL116", str(error), scalar.span, help=hint)
            sound = False
        else:
            found.append((family, low, high))
    return AddressSet.of(found) if sound else None


def _single(values: Intervals, *, intervals: bool) -> Iterator[tuple[int, int]]:
    """The ranges, or each number of them."""
    for low, high in values.ranges:
        if intervals:
            yield low, high
        else:
            yield from ((one, one) for one in range(low, high + 1))


def _scalars(value: Node) -> list[Scalar]:
    return [one for one in (value.items if isinstance(value, Sequence) else (value,)) if isinstance(one, Scalar)]


def _addresses(
    entries: dict[str, Entry], broken: set[str], dynamic: Collection[str], collector: Collector
) -> dict[str, AddressSet | None]:
    groups: dict[str, AddressSet | None] = dict.fromkeys(broken)
    references = {
        name: tuple(
            Word(one.text[1:], one.place(1, len(one.text))) for one in _scalars(entry.value) if one.text.startswith("@")
        )
        for name, entry in entries.items()
    }
    for name in in_order(references):
        if not isinstance(name, str):
            definition_cycle(name, collector)
            # Each of them is what the others are: none is anything.
            groups.update(dict.fromkeys(word.text for word in name))
        elif name not in groups:
            node = entries[name].value
            if isinstance(node, Mapping):
                file = node.get("file")
                assert file is not None
                groups[name] = read_address_file(file, collector)
            else:
                groups[name] = _group(node, groups, (*entries, *broken), dynamic, collector)
    return groups


def _group(
    node: Node,
    groups: AbstractMapping[str, AddressSet | None],
    known: Collection[str],
    dynamic: Collection[str],
    collector: Collector,
) -> AddressSet | None:
    found: list[tuple[Family, int, int]] = []
    nested: list[AddressSet] = []
    sound = True
    for scalar in _scalars(node):
        text = scalar.text
        if not text.startswith("@"):
            try:
                found.append(parse_address(text))
            except ValueError as error:
                collector.error("POL116", str(error), scalar.span, help=_host_name(text))
                sound = False
            continue
        if text[1:] in dynamic:
            message = f"the group `{text[1:]}` is filled at run time: what is in it is not known here"
            collector.error("POL244", message, scalar.span)
        elif text[1:] not in known:
            unknown_group(Word(text[1:], scalar.place(0, len(text))), known, collector)
        group = groups.get(text[1:])
        sound &= group is not None
        nested += (group,) if group else ()
    if not sound:
        return None
    addresses = AddressSet.of(found)
    for group in nested:
        addresses = addresses.union(group)
    return addresses


def _host_name(text: str) -> str:
    if "/" in text or ":" in text or not text[:1].isalpha():
        return ""
    return f"another group is written `@{text}`; host names are not resolved, because what they stand for can change"


def unknown_group(word: Word, known: Iterable[str], collector: Collector) -> None:
    hint = did_you_mean(word.text, known)
    collector.error("POL202", f"there is no address group `{word.text}`", word.span, help=hint)


def definition_cycle(words: tuple[Word, ...], collector: Collector) -> None:
    """Record POL212 for the words by which definitions come back to the first of them."""
    first, *rest = words[-1:] + words[:-1]
    names = " -> ".join(f"`{word.text}`" for word in (words[-1], *words))
    also = tuple(Label(word.span, "through this") for word in rest)
    collector.error("POL212", f"this definition comes back to itself: {names}", first.span, also=also)


class ServiceDefinition(NamedTuple):
    """A service as it was written."""

    words: tuple[ServiceWord, ...]
    sport: SourcePorts | None
    helper: Word | None


class _Services:
    """User-defined services are resolved at once, those built in when they are first asked for."""

    def __init__(self, broken: Iterable[str], collector: Collector) -> None:
        self.collector = collector
        self.services: dict[str, Service | None] = dict.fromkeys(broken)
        self.own: dict[str, Entry] = {}

    def resolve(self, entries: dict[str, Entry]) -> AbstractMapping[str, Service | None]:
        self.own = entries
        definitions: dict[str, ServiceDefinition] = {}
        for name, entry in entries.items():
            try:
                definitions[name] = service_definition(entry)
            except Failure as failure:
                self.collector.diagnostics.extend(failure.diagnostics)
                self.services[name] = None
        references = {
            name: tuple(one.word for one in definition.words if not one.protocol and one.word.text != name)
            for name, definition in definitions.items()
        }
        for found in in_order(references):
            if not isinstance(found, str):
                definition_cycle(found, self.collector)
                self.services.update(dict.fromkeys(word.text for word in found))
            elif found not in self.services:
                self.services[found] = self.define(found, definitions[found])
        return _WithBuiltins(self.services)

    def define(self, name: str, definition: ServiceDefinition) -> Service | None:
        parts = resolve_services(definition.words, definition.sport, self.lookup, self.collector)
        if parts is None:
            return None
        if name in BUILTIN_SERVICES:
            self.keep_ports(name, parts)
        if definition.helper is None:
            return parts
        helper = known_helper(definition.helper, self.collector)
        if helper is None:
            return None
        if not any(part.term.protocol in HELPERS[helper] for part in parts):
            message = f"the helper `{helper}` reads {protocols_of(helper)} alone, and the service has none of that"
            self.collector.error("POL226", message, definition.helper.span)
            return None
        return with_helper(parts, helper)

    def keep_ports(self, name: str, parts: Service) -> None:
        """A name that every policy knows keeps its meaning; what may be added is a helper."""
        builtin = builtin_service(name)
        if normalise(part.term for part in builtin) != normalise(part.term for part in parts):
            message = f"the service `{name}` is built in, as `{BUILTIN_SERVICES[name]}`"
            self.collector.error(
                "POL211", message, self.own[name].key.span, help="choose another name, or give it the same ports"
            )

    def lookup(self, word: Word) -> Service | None:
        # A definition that names itself means the one built in: `ftp: {ports: ftp, helper: ftp}`.
        if word.text in self.services:
            return self.services[word.text]
        if word.text in BUILTIN_SERVICES:
            return builtin_service(word.text)
        if word.text in self.own:
            definition_cycle((word,), self.collector)
        else:
            unknown_service(word, (*self.own, *BUILTIN_SERVICES), self.collector)
        return None


class _WithBuiltins(dict[str, Service | None]):
    def __missing__(self, name: str) -> Service | None:
        if name not in BUILTIN_SERVICES:
            raise KeyError(name)
        self[name] = found = builtin_service(name)
        return found


_NO_SERVICES = {
    **dict.fromkeys(("bypass", "fanout"), "flags of a queue stand behind `flags`: `queue 0-3 flags bypass, fanout`"),
    "random-fully": "it is written `fully-random`",
}
"""Words that stand where a service could, and that somebody means otherwise -> how that is written."""


def unknown_service(word: Word, known: tuple[str, ...], collector: Collector) -> None:
    from polc.ir.protocols import PROTOCOLS
    from polc.ir.verdicts import RejectType

    hint = did_you_mean(word.text, known)
    if word.text in ("any", "all"):
        hint = "leave it out: without a service a rule speaks of all packets"
    elif word.text in {one.value for one in RejectType}:
        hint = f"an answer stands after `with`: `reject with {word.text}`"
    elif word.text in PROTOCOLS:
        hint = f"the protocol is written `proto {word.text}`"
    elif word.text in _NO_SERVICES:
        hint = _NO_SERVICES[word.text]
    collector.error("POL203", f"unknown service `{word.text}`", word.span, help=hint)


def builtin_service(name: str) -> Service:
    collector = Collector()
    definition = BUILTIN_SERVICES[name]
    source = SourceFile("built-in services", definition)
    words, _ = read_definition(Scalar(definition, source.span(0, len(definition)), 0))

    def none(word: Word) -> Service | None:
        raise KeyError(word.text)

    parts = resolve_services(words, None, none, collector)
    assert parts is not None
    return parts


def service_definition(entry: Entry) -> ServiceDefinition:
    """Raises:
    Failure: POL110 to POL112.
    """
    node = entry.value
    if not isinstance(node, Mapping):
        words, sport = service_words(node)
        return ServiceDefinition(words, sport, None)
    ports, sport_node, helper = node.get("ports"), node.get("sport"), node.get("helper")
    assert ports is not None
    words, sport = service_words(ports)
    if sport_node is not None:
        if sport:
            raise Failure.of("POL112", "the source ports stand in `ports` already", node.entries["sport"].key.span)
        sport = source_ports(sport_node)
    return ServiceDefinition(words, sport, Word(helper.text, helper.span) if isinstance(helper, Scalar) else None)
