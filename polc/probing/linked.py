"""What rules ask of interfaces themselves: their hardware addresses, and the groups that they are in (ip-link(8))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from polc.ir.fields import FIELDS, Field
from polc.ir.matches import FieldMatch, InterfaceMatch, InterfacePattern, Match
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.selectors import Direction
from polc.kernel.stage.scene import macs
from polc.simulate.host import LOOPBACK, Host, Interface

_OF: Mapping[Field, Direction] = {
    Field.ETHER_DADDR: Direction.IN, Field.META_IIFGROUP: Direction.IN, Field.META_OIFGROUP: Direction.OUT,
}  # fmt: skip
"""Fields whose value is an interface's, and which one of a packet's two it is."""

_SHARED = 1 << 40
"""The bit of hardware addresses that are of groups (IEEE 802, 8.2)."""


def asks(match: Match, direction: Direction) -> bool:
    """Whether a match asks for something of the interface in a direction itself."""
    return isinstance(match, FieldMatch) and _OF.get(match.field) is direction and _is_of_one(match)


def is_as_asked(host: Host, name: str, matches: Iterable[Match], direction: Direction) -> bool:
    """Whether an interface of a host is as all matches ask of it."""
    return all(_has(host, name, one) for one in matches if isinstance(one, FieldMatch) and asks(one, direction))


def dressed(host: Host, rulesets: Iterable[Ruleset]) -> Host:
    """The host with interfaces such as rules ask for: those that the rules name, or else the last ones of which no
    other rule asks for anything. Most packets come in by the first.
    """
    given: set[str] = set()
    for rule in (rule for ruleset in rulesets for chain in ruleset.chains for rule in chain.rules):
        for direction in Direction:
            wanted = [one for one in rule.matches if isinstance(one, FieldMatch) and asks(one, direction)]
            names = [one for one in _named(rule, direction, host) if one != LOOPBACK] if wanted else []
            if any(is_as_asked(host, one, wanted, direction) for one in names):
                continue
            name = next((one for one in reversed(names) if one not in given), None)
            if name is not None:
                given.add(name)
                interfaces = (_made(one, wanted) if one.name == name else one for one in host.interfaces)
                host = replace(host, interfaces=tuple(interfaces))
    return host


def _is_of_one(match: FieldMatch) -> bool:
    """Whether one interface alone can have such an address: frames to groups come to all."""
    return match.mask is None and not (match.field is Field.ETHER_DADDR and match.values.ranges[0][0] & _SHARED)


def _has(host: Host, name: str, match: FieldMatch) -> bool:
    if match.field is Field.ETHER_DADDR:
        mac = macs(host).get(name)
        return (mac is not None and int(mac.replace(":", ""), 16) in match.values) is not match.negated
    interface = host.interface(name)
    return ((interface.group if interface else 0) in match.values) is not match.negated


def _made(interface: Interface, wanted: Sequence[FieldMatch]) -> Interface:
    for match in wanted:
        inside = match.values.complement(0, FIELDS[match.field].highest) if match.negated else match.values
        value = inside.ranges[0][0] if inside else 0
        if match.field is Field.ETHER_DADDR:
            interface = interface if match.negated else replace(interface, mac=value)
        else:
            interface = replace(interface, group=value)
    return interface


def _named(rule: Rule, direction: Direction, host: Host) -> Iterator[str]:
    """The interfaces that a rule's own words leave it."""
    own = [one for one in rule.matches if isinstance(one, InterfaceMatch) and one.direction is direction]
    for name in (one.name for one in host.interfaces):
        if all(any(each.covers(InterfacePattern(name)) for each in one.patterns) is not one.negated for one in own):
            yield name
