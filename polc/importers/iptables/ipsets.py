"""Files of ipset-save(8), and commands of ipset, to named sets (ipset(8))."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from polc.diagnostics import Collector, Diagnostic, Label, Severity
from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables import values
from polc.importers.iptables.problem import NO_CHAIN, TWICE, WRONG_VALUE, Problem, Word, wrong
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.settypes import TYPES, SetType, parts_of
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.origin import Origin
from polc.ir.protocols import ICMP, ICMPV6, TCP
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import Element, InterfacePattern, KeyValue
from polc.source import SourceFile, Span

_SIZE = 65536
"""What ipset takes for `maxelem` where that is not said."""
_LARGEST = 0xFFFFFFFF
_LONGEST_NAME = 31

_FLAGS = frozenset({"counters", "comment", "skbinfo", "forceadd", "wildcard"})
_KEPT = frozenset(
    {"hashsize", "maxelem", "family", "timeout", "bucketsize", "initval", "size", "gc", "probes", "resize"}
)
_OTHER = frozenset({"range", "netmask", "markmask", "bitmask"})
_ELEMENT_FLAGS = frozenset({"nomatch", "wildcard"})
_ELEMENT_OPTIONS = frozenset({"timeout", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"})
_ADD, _DELETE = frozenset({"add", "-A", "--add"}), frozenset({"del", "-D", "--del"})
_CREATE = frozenset({"create", "-N", "--create", "-n", "new"})
_DESTROY = frozenset({"destroy", "-X", "--destroy", "x"})
_FLUSH = frozenset({"flush", "-F", "--flush"})
_IDLE = frozenset(
    {"list", "-L", "--list", "save", "-S", "--save", "test", "-T", "--test", "version", "-v", "--version", "-h"}
)
_SHOWN = {"create", "add", "del", "destroy", "flush", "rename", "swap"}


@dataclass(slots=True)
class _Set:
    type: SetType
    size: int | None
    timeout: int | None
    span: Span
    members: dict[Element, bool] = field(default_factory=dict)
    """Whether a member is none of them (`nomatch`)."""
    intervals: bool = False
    own_timeouts: bool = False


@dataclass(slots=True)
class Sets:
    """The sets that commands have made so far."""

    collector: Collector
    types: dict[str, SetType] = field(default_factory=dict)
    _sets: dict[str, _Set] = field(default_factory=dict)

    def run(self, words: Sequence[str], span: Span, locate: Callable[[int], Span]) -> None:
        """One command, ``ipset`` itself left out; what is wrong goes to the collector."""
        try:
            self._run([Word(text, at) for at, text in enumerate(words)], span)
        except Problem as problem:
            place = span if problem.at is None else locate(problem.at)
            self.collector.error(problem.code, problem.message, place, help=problem.help)

    def _run(self, words: list[Word], span: Span) -> None:
        quiet = ("-exist", "-!", "--exist", "-quiet", "-q")
        exist = any(word.text in quiet[:3] for word in words)
        words = [word for word in words if word.text not in quiet]
        if not words or words[0].text in _IDLE or words[0].text in ("COMMIT", "restore"):
            return
        verb, *rest = words
        if verb.text in _FLUSH or verb.text in _DESTROY:
            self._empty(verb, rest)
            return
        if verb.text not in _CREATE | _ADD | _DELETE | {"rename", "swap", "-E", "-W"}:
            raise Problem(
                "POL515", f"`{verb.text}` is no command of ipset", verb.at, help=did_you_mean(verb.text, _SHOWN)
            )
        if len(rest) < 2:
            raise Problem("POL515", f"`{verb.text}` needs a set and what to do with it", verb.at)
        if verb.text in _CREATE:
            self._create(rest, exist, span)
        elif verb.text in _ADD | _DELETE:
            self._member(rest, verb.text in _ADD, exist)
        else:
            self._swap(rest, verb.text in ("swap", "-W"))

    def _known(self, name: Word) -> _Set:
        found = self._sets.get(name.text)
        if found is None:
            raise Problem(
                NO_CHAIN, f"there is no set `{name.text}` here", name.at, help=did_you_mean(name.text, self._sets)
            )
        return found

    def _empty(self, verb: Word, rest: list[Word]) -> None:
        for one in [self._known(rest[0])] if rest else list(self._sets.values()):
            one.members.clear()
        if verb.text in _DESTROY:
            for name in [rest[0].text] if rest else list(self._sets):
                del self._sets[name], self.types[name]

    def _swap(self, words: list[Word], swap: bool) -> None:
        left = self._known(words[0])
        if swap:
            right = self._known(words[1])
            self._put(words[0].text, right)
            self._put(words[1].text, left)
            return
        if words[1].text in self._sets:
            raise Problem(TWICE, f"set `{words[1].text}` is there already", words[1].at)
        del self._sets[words[0].text], self.types[words[0].text]
        self._put(words[1].text, left)

    def _put(self, name: str, one: _Set) -> None:
        self._sets[name] = one
        self.types[name] = one.type

    def _create(self, words: list[Word], exist: bool, span: Span) -> None:
        name, kind, *options = words
        if name.text in self._sets:
            if exist:
                return
            message = f"set `{name.text}` is there already, in line {self._sets[name.text].span.line}"
            raise Problem(TWICE, message, name.at)
        if not 0 < len(name.text) <= _LONGEST_NAME:
            raise wrong(name, f"`{name.text}` is no name of a set: those have 1 to {_LONGEST_NAME} letters")
        parts = parts_of(kind.text)
        if parts is None:
            raise Problem("POL515", f"`{kind.text}` is no type of a set", kind.at, help=did_you_mean(kind.text, TYPES))
        given = _options(options, _FLAGS, _KEPT | _OTHER)
        type_name, key = parts
        addresses = any(part in ("ip", "net") for part in key)
        family = _family(given.get("family")) if addresses else None
        reason = _opaque(type_name, given)
        size = given.get("maxelem")
        timeout = given.get("timeout")
        made = _Set(
            SetType(type_name, key, family, reason),
            values.number(size, 1, _LARGEST) if size else None if type_name.startswith("bitmap") else _SIZE,
            (values.number(timeout, 0, _LARGEST) or None) if timeout else None,
            span,
            intervals=any(part == "net" for part in key),
        )
        self._put(name.text, made)
        if reason:
            self._left_out(name.text, made)

    def _member(self, words: list[Word], add: bool, exist: bool) -> None:
        name, member = words[:2]
        found = self._known(name)
        given = _options(words[2:], _ELEMENT_FLAGS, _ELEMENT_OPTIONS)
        if found.type.opaque:
            return
        excluded = "nomatch" in given
        if excluded and len(found.type.parts) > 1:
            self._give_up(name.text, "a member with `nomatch` takes others out again, in keys of several parts")
            return
        try:
            element = _element(member, found.type, wildcard="wildcard" in given)
        except _Unheld as unheld:
            self._give_up(name.text, unheld.reason)
            return
        there = element in found.members
        if there is add and not exist:
            state = "is in set" if there else "is not in set"
            code = TWICE if there else "POL514"
            raise Problem(code, f"`{member.text}` {state} `{name.text}`{' already' if there else ''}", member.at)
        if add:
            found.members[element] = excluded
            found.intervals |= _is_range(element)
        else:
            found.members.pop(element, None)
        timeout = given.get("timeout")
        if timeout and values.number(timeout, 0, _LARGEST) != (found.timeout or 0):
            found.own_timeouts = True

    def _give_up(self, name: str, reason: str) -> None:
        found = self._sets[name]
        found.type = self.types[name] = replace(found.type, opaque=reason)
        self._left_out(name, found)

    def _left_out(self, name: str, found: _Set) -> None:
        reason = found.type.opaque
        message = f"rules that name set `{name}` stay in their own words, and the set is left out: {reason}"
        self._warn(message, found.span)

    def _warn(self, message: str, span: Span) -> None:
        self.collector.add(Diagnostic("POL520", message, (Label(span),), severity=Severity.WARNING))

    def result(self) -> tuple[DynamicSet, ...]:
        """All sets that a node holds, with their members."""
        made = []
        for name, one in self._sets.items():
            if one.type.opaque:
                continue
            if one.own_timeouts:
                self._warn(
                    f"members of set `{name}` have timeouts of their own: here they have that of the set", one.span
                )
            made.append(
                DynamicSet(
                    name,
                    one.type.key_types,
                    one.size,
                    one.timeout,
                    Origin(one.span),
                    _disjoint(one.members),
                    one.intervals,
                )
            )
        return tuple(made)


def read_file(source: SourceFile, sets: Sets) -> None:
    """A file of ``ipset save``; a line that is wrong is told of."""
    for number, start in enumerate(source.line_starts, 1):
        line = source.line(number)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split() if '"' not in line else [_bare(word) for word in _WORD.findall(line)]
        sets.run(words, source.span(start, start + len(line)), _Places(source, start, line))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the words of a line are, which only errors ask."""

    source: SourceFile
    start: int
    line: str

    def __call__(self, at: int) -> Span:
        first, last = [found.span() for found in _WORD.finditer(self.line)][at]
        return self.source.span(self.start + first, self.start + last)


_WORD = re.compile(r'"[^"]*"|[^\s"]+|"')


def _bare(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word.startswith('"') else word


def _options(words: list[Word], flags: frozenset[str], valued: frozenset[str]) -> dict[str, Word]:
    """Options by their names; a flag's value is itself."""
    found: dict[str, Word] = {}
    at = 0
    while at < len(words):
        name = words[at].text.lstrip("-")
        if name in flags and not (name == "comment" and name in valued):
            found[name] = words[at]
            at += 1
        elif name in valued:
            if at + 1 == len(words):
                raise Problem("POL515", f"`{words[at].text}` needs a value", words[at].at)
            found[name] = words[at + 1]
            at += 2
        else:
            hint = did_you_mean(name, flags | valued)
            raise Problem("POL515", f"`{words[at].text}` is no option of ipset here", words[at].at, help=hint)
    return found


def _family(word: Word | None) -> Family:
    if word is None or word.text in ("inet", "ipv4"):
        return Family.IP
    if word.text in ("inet6", "ipv6"):
        return Family.IP6
    raise Problem(WRONG_VALUE, f"`{word.text}` is no family of a set", word.at, help="`inet` or `inet6`")


def _opaque(name: str, given: dict[str, Word]) -> str:
    """Why no node holds the set; empty where one does."""
    if name == "list:set":
        return "it is a list of sets, and nft has none"
    for option in ("netmask", "markmask", "bitmask"):
        if option in given:
            return f"`{option}` cuts what is looked up, and sets of nft do not"
    return ""


class _Unheld(Exception):
    """A member that no node holds, for a ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _element(word: Word, kind: SetType, *, wildcard: bool) -> Element:
    """Raises:
    Problem: it is no member of such a set.
    _Unheld: it is one, but not in nft.
    """
    parts = word.text.split(",")
    if len(parts) != len(kind.parts):
        raise Problem(WRONG_VALUE, f"`{word.text}` is no member of a {kind.name}", word.at)
    element: list[KeyValue] = []
    for part, text in zip(kind.parts, parts, strict=True):
        element += _part(part, Word(text, word.at), kind, wildcard)
    return tuple(element)


def _part(part: str, word: Word, kind: SetType, wildcard: bool) -> list[KeyValue]:
    match part:
        case "ip" | "net":
            return [_addresses(word, kind.family or Family.IP)]
        case "port":
            return _port(word)
        case "bare-port":
            _, colon, port = word.text.partition(":")
            return [Intervals((values.port_range(Word(port if colon else word.text, word.at), "-"),))]
        case "mac":
            return [Intervals.single(values.mac(word))]
        case "mark":
            return [Intervals.single(values.number(word, 0, _LARGEST, "mark"))]
        case _:
            if word.text.startswith("physdev:"):
                raise _Unheld("a member is a port of a bridge, which tables of IP do not see")
            values.interface(word)
            return [InterfacePattern(word.text, wildcard)]


def _addresses(word: Word, family: Family) -> Intervals:
    low_text, dash, high_text = word.text.partition("-")
    if dash:
        low, high = (values.address(Word(text, word.at), family) for text in (low_text, high_text))
        if low > high:
            raise wrong(word, f"the range `{word.text}` is the wrong way round")
        return Intervals(((low, high),))
    address, mask = values.masked_address(word, family)
    ranges = values.masked_ranges(address, mask, family.bits, 1)
    if ranges is None:
        raise wrong(word, f"`{word.text}` is no prefix")
    return ranges


def _port(word: Word) -> list[KeyValue]:
    """``tcp:80`` or ``80``, which is TCP's."""
    protocol_text, colon, port = word.text.rpartition(":")
    protocol = read_protocol(Word(protocol_text, word.at)) if colon else TCP
    if protocol in (ICMP, ICMPV6):
        raise _Unheld("a member is a type of ICMP, and nft keeps those apart from ports")
    return [Intervals.single(protocol), Intervals((values.port_range(Word(port, word.at), "-"),))]


def _is_range(element: Element) -> bool:
    return any(isinstance(part, Intervals) and part.ranges[0][0] != part.ranges[0][1] for part in element)


def _disjoint(members: Mapping[Element, bool]) -> tuple[Element, ...]:
    """Members of one part without overlaps, of several parts as they are. Of nested ones the smallest counts, which may
    say that it is none.
    """
    first = next(iter(members), ())
    if len(first) != 1 or not isinstance(first[0], Intervals):
        return tuple(members)
    if not any(map(_is_range, members)) and not any(members.values()):
        return tuple(members)
    found = Intervals()
    for part, excluded in sorted(((part, excluded) for (part,), excluded in members.items()), key=_by_size):
        assert isinstance(part, Intervals)
        ((low, high),) = part.ranges
        found = _without(found, low, high) if excluded else found.union(part)
    return tuple((Intervals((pair,)),) for pair in found.ranges)


def _by_size(member: tuple[KeyValue, bool]) -> int:
    part, _ = member
    assert isinstance(part, Intervals)
    ((low, high),) = part.ranges
    return low - high


def _without(found: Intervals, low: int, high: int) -> Intervals:
    below = [(a, min(b, low - 1)) for a, b in found.ranges if a < low]
    above = [(max(a, high + 1), b) for a, b in found.ranges if b > high]
    return Intervals.of((*below, *above))
