"""Sets in ``sets.ipset``, for ``ipset -exist restore`` (ipset(8))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from polc.ir.statements import SetOperation, UpdateSet

NO_TYPE = "set-key"
"""The name of the refusal of a set for which ipset has no type."""
FILE = "sets.ipset"
LONGEST_NAME = 31  # IPSET_MAXNAMELEN 32, the last a zero
LARGEST = 1 << 24
NEW = "-new"
"""What the name of a set ends with that is to be exchanged with another one."""
_SMALLEST_TABLE = 64  # IPSET_MIMINAL_HASHSIZE
_FAMILIES = {Family.IP: "inet", Family.IP6: "inet6"}
ENDINGS = {Family.IP: "-v4", Family.IP6: "-v6"}
"""What the names of sets of a family end with, where another one of the same name may have the other's."""
_ALL_PORTS = 65536
_BITMAP = "bitmap:port"


@dataclass(frozen=True, slots=True)
class Ipset:
    """``how`` is what follows the name where it is made. ``keeps``: whatever else is in it stays there. Without a
    ``family`` its members are of both.
    """

    name: str
    how: str
    members: tuple[str, ...] = ()
    keeps: bool = False
    family: Family | None = None

    @property
    def type(self) -> str:
        return self.how.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Changes:
    """The sets that rules change, and those that they add to."""

    changed: frozenset[str]
    filled: frozenset[str]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Changes:
        found = [one for rule in rules for one in rule.statements if isinstance(one, UpdateSet)]
        filled = (one.set_name for one in found if one.operation is not SetOperation.DELETE)
        return cls(frozenset(one.set_name for one in found), frozenset(filled))


def made(one: DynamicSet, changes: Changes) -> tuple[Form, Ipset]:
    """The set as an ipset, with what keys it has.

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
    filled = one.name in changes.filled
    if filled and one.intervals:
        raise Refused(
            "set-fill",
            f"rules would add to `{one.name}` the narrowest network that is in it, and not what they are to add",
            "a set of single addresses beside it",
        )
    if one.timeout is not None:
        check_timeout(one.timeout, one.name)
    family = next(iter(one.families)) if len(one.families) == 1 else None
    members = tuple(
        member for element in one.elements for member in settypes.members(form, element, family or FAMILIES[0])
    )
    if one.size is not None and len(members) > one.size:
        raise Refused("set-size", f"`{one.name}` is to hold {one.size} elements, and begins with {len(members)}")
    # A set without a time has `timeout 0`: whoever adds to it by hand can still give one.
    how = (form.type, *_extent(one, form, len(members), filled), f"timeout {one.timeout or 0}", *_of_family(family))
    return form, Ipset(one.name, " ".join(how), members, one.name in changes.changed or not members, family)


def group(name: str, type: str, family: Family, members: tuple[str, ...]) -> Ipset:
    """A set that nobody changes."""
    return Ipset(name, " ".join((type, *_table(len(members), LARGEST), *_of_family(family))), members, family=family)


def _extent(one: DynamicSet, form: Form, members: int, filled: bool) -> tuple[str, ...]:
    if form.type == _BITMAP:
        if one.size is not None and one.size < _ALL_PORTS:
            raise Refused("set-size", f"an ipset of ports has room for all of them, and `{one.name}` for {one.size}")
        return ("range 0-65535",)
    size = LARGEST if one.size is None and not filled else one.size
    if size is None or not 1 <= size <= LARGEST:
        raise Refused(
            "set-size",
            f"an ipset that rules fill is made for all its addresses at once, which polc does for 1 to {LARGEST}, "
            f"and `{one.name}` has {one.size}",
            "a smaller `size`",
        )
    return _table(members if one.size is None else one.size, size)


def _table(room: int, most: int) -> tuple[str, ...]:
    """What is said of a hash table: a bucket for each of ``room`` members, of which there may be ``most``."""
    return f"hashsize {max(_SMALLEST_TABLE, 1 << max(0, room - 1).bit_length())}", f"maxelem {most}"


def _of_family(family: Family | None) -> tuple[str, ...]:
    return () if family is None else (f"family {_FAMILIES[family]}",)


END_TYPE = "hash:net"


def end(family: Family, prefix: str) -> Ipset:
    """An empty set that stands last in the file: where rules name it, they are refused if the file was cut short."""
    how = " ".join((END_TYPE, *_table(0, 1), *_of_family(family)))
    return Ipset(f"{prefix}complete{ENDINGS[family]}", how, keeps=True, family=family)


def begins(sets: Iterable[Ipset], family: Family) -> bool:
    """Whether some set of a family has members in the beginning."""
    return any(one.members and one.family in (None, family) for one in sets)


def file_text(sets: Iterable[Ipset]) -> str:
    """The file: first those sets that have members in the beginning and keep others, at the end those without members.

    What keeps nothing else is made anew under another name and then exchanged with the one that rules name, which the
    kernel does at once; so it can be changed under rules that use it. For that both must be of one type, and ``-exist``
    takes one that is there only if its limit is the same.

    ipset takes a file line by line, and a line that is cut short may be one that it takes: `timeout 36` of 3600. The
    family comes last, and no rule of IPv6 takes a set that has lost it; where any other set is cut, those behind it
    are missing, and rules that name them are refused. A set that is exchanged is made when all members are there:
    where the file is cut before, there is none, or the one from before, but never an empty one.
    """
    sets = tuple(sets)
    lines: list[str] = []
    for one in sets:
        if one.keeps and one.members:
            lines += (f"create {one.name} {one.how}", *(f"add {one.name} {member}" for member in one.members))
    anew = [one for one in sets if not one.keeps]
    for one in anew:
        # It is there where a file broke off.
        lines += (f"create {one.name}{NEW} {one.how}", f"flush {one.name}{NEW}")
    for one in anew:
        lines += (f"add {one.name}{NEW} {member}" for member in one.members)
    for one in anew:
        lines += (f"create {one.name} {one.how}", *_exchange(one.name))
    empty = sorted((one for one in sets if one.keeps and not one.members), key=lambda one: one.family is Family.IP6)
    lines += (f"create {one.name} {one.how}" for one in empty)
    return "".join(f"{line}\n" for line in lines)


def _exchange(name: str) -> Iterator[str]:
    yield f"swap {name}{NEW} {name}"
    yield f"destroy {name}{NEW}"


def only_made(commands: str) -> str:
    """Of the commands of a file those that make the sets that rules name: nothing that is there changes."""
    lines = commands.splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("create ") and not line.split()[1].endswith(NEW))


def former(commands: str, saved: str) -> str:
    """The commands that give the sets that ``commands`` exchanged the members that they had in ``saved``, of `ipset
    save`; those that were not there are taken away.
    """
    lines = [line.split(maxsplit=2) for line in saved.splitlines()]
    there = {words[1]: words[2] for words in lines if words[0] == "create"}
    found: list[str] = []
    for _, _, name in (line.split() for line in commands.splitlines() if line.startswith("swap ")):
        if name in there:
            found += (f"create {name}{NEW} {there[name]}", f"flush {name}{NEW}")
            found += (f"add {name}{NEW} {words[2]}" for words in lines if words[:2] == ["add", name])
            found += _exchange(name)
        else:
            found.append(f"destroy {name}")
    return "".join(f"{line}\n" for line in found)


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
