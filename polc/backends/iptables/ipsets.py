"""Named sets in ``sets.ipset``, for ``ipset -exist restore`` (ipset(8)): sets that exist keep their members."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.iptables.extensions import settypes
from polc.backends.iptables.extensions.sets import check_timeout
from polc.backends.iptables.extensions.settypes import Form
from polc.backends.iptables.extensions.words import Refused, made_of
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import PortTerm, ServiceMatch, SetMatch
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.selectors import Transport
from polc.ir.statements import UpdateSet

NO_TYPE = "set-key"
"""The name of the refusal of a set for which ipset has no type."""
NEW = "-new"
"""What the name of a set ends with that is to be exchanged with another one."""
FILE = "sets.ipset"
LONGEST_NAME = 31  # IPSET_MAXNAMELEN 32, the last a zero
LARGEST = 1 << 24
_SMALLEST_TABLE = 64  # IPSET_MIMINAL_HASHSIZE
_FAMILIES = {Family.IP: "inet", Family.IP6: "inet6"}
_ALL_PORTS = 65536
_BITMAP = "bitmap:port"


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set's form, and the commands that make it."""

    form: Form
    text: str


def create(one: DynamicSet, *, filled: bool) -> NamedSet:
    """The set as an ipset; ``filled``: rules add to it.

    Rules add what the hash table takes as it was made: only ``ipset add`` has it grow (ipset(8), SET TYPES). A bucket
    takes 12 addresses: the 1024 that ipset makes by itself would turn addresses away long before a set of 65535 is
    full. With a bucket for each address that does not happen: one in 10**10 buckets is then too small.

    A rule adds to a set of networks the narrowest network that it has, not the address (net/netfilter/ipset/
    ip_set_hash_net.c, hash_net4_kadt).

    Raises:
        Refused: ipset has no such set.
    """
    _check_name(one.name)
    form = settypes.form(one.types, () if one.intervals else range(len(one.types)))
    if filled and one.intervals:
        raise Refused(
            "set-fill",
            f"rules would add to `{one.name}` the narrowest network that is in it, and not what they are to add",
            "a set of single addresses beside it",
        )
    if one.timeout is not None:
        check_timeout(one.timeout, one.name)
    family = next(iter(one.families)) if len(one.families) == 1 else None
    # A set without a time has `timeout 0`: whoever adds to it by hand can still give one.
    words = ["create", one.name, form.type, *_extent(one, form, family, filled), f"timeout {one.timeout or 0}"]
    members = [member for element in one.elements for member in settypes.members(form, element, family or FAMILIES[0])]
    if one.size is not None and len(members) > one.size:
        raise Refused("set-size", f"`{one.name}` is to hold {one.size} elements, and begins with {len(members)}")
    return NamedSet(form, "".join(f"{line}\n" for line in (" ".join(words), *(f"add {one.name} {m}" for m in members))))


def _extent(one: DynamicSet, form: Form, family: Family | None, filled: bool) -> list[str]:
    if form.type == _BITMAP:
        if one.size is not None and one.size < _ALL_PORTS:
            raise Refused("set-size", f"an ipset of ports has room for all of them, and `{one.name}` for {one.size}")
        return ["range 0-65535"]
    size = LARGEST if one.size is None and not filled else one.size
    if size is None or not 1 <= size <= LARGEST:
        raise Refused(
            "set-size",
            f"an ipset that rules fill is made for all its addresses at once, which polc does for 1 to {LARGEST}, "
            f"and `{one.name}` has {one.size}",
            "a smaller `size`",
        )
    room = len(one.elements) if one.size is None else one.size
    return extent(family, room, size)


def extent(family: Family | None, room: int, most: int) -> list[str]:
    """What is said of a hash table: a bucket for each of ``room`` members, of which there may be ``most``."""
    buckets = max(_SMALLEST_TABLE, 1 << max(0, room - 1).bit_length())
    return [*([f"family {_FAMILIES[family]}"] if family else []), f"hashsize {buckets}", f"maxelem {most}"]


def named(rule: Rule) -> set[str]:
    """The sets that a rule asks or fills."""
    nodes = (*rule.matches, *rule.statements)
    return {node.set_name for node in nodes if isinstance(node, SetMatch | UpdateSet)}


_FULL = Intervals(((0, _ALL_PORTS - 1),))


def with_ports(rule: Rule, forms: dict[str, Form]) -> Rule:
    """The rule where it says "not in" a set of ports, or changes it, for packets that have ports alone.

    Raises:
        Refused: it may be met by packets of which an ipset knows no ports.
    """
    wanted: set[Transport] = set()
    allowed: frozenset[int] | None = None
    for node in (*rule.matches, *rule.statements):
        if not isinstance(node, SetMatch | UpdateSet):
            continue
        protocols = forms[node.set_name].protocols
        all_have = isinstance(node, SetMatch) and not node.negated and forms[node.set_name].type != _BITMAP
        if protocols is None or all_have:
            continue
        wanted |= {one for one in node.key if one in (Transport.SPORT, Transport.DPORT)}
        allowed = protocols if allowed is None else allowed & protocols
    if allowed is None:
        return rule
    services = [match for match in rule.matches if isinstance(match, ServiceMatch)]
    if not any(all(term.protocol in allowed for term in one.terms) for one in services):
        names = ", ".join(settypes.PORT_PROTOCOLS[one] for one in sorted(allowed))
        raise Refused("set-ports", f"an ipset knows the ports of {names} alone", "name services of these in the rule")
    matches = tuple(_asking(match, wanted) if isinstance(match, ServiceMatch) else match for match in rule.matches)
    return Rule(matches, rule.verdict, rule.statements, rule.families, rule.origin)


def _asking(service: ServiceMatch, wanted: set[Transport]) -> ServiceMatch:
    """The service, its ports to be there."""
    terms = []
    for term in service.terms:
        if isinstance(term, PortTerm):
            sport = term.sport or (_FULL if Transport.SPORT in wanted else None)
            dport = term.dport or (_FULL if Transport.DPORT in wanted else None)
            term = PortTerm(term.protocol, sport, dport)
        terms.append(term)
    return ServiceMatch(tuple(terms))


def _check_name(name: str) -> None:
    if len(name.encode()) > LONGEST_NAME:
        raise Refused(
            "set-name",
            f"the names of ipsets have at most {LONGEST_NAME} bytes, and `{name}` has {len(name.encode())}",
            "a shorter name for the group",
        )
    if not made_of(name, "-_") or name.startswith("-") or name.endswith(NEW):
        raise Refused("set-name", f"ipset would misread the name `{name}`")
