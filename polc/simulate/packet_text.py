"""Steps of a scenario in words: ``grammar/packet.lark``.

Reading has two halves, because ``host`` can only be an address when the host is known, and where nobody has described
it the packets say which interfaces it has: ``read_step`` makes a draft, ``Draft.step`` the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from polc.diagnostics import Failure
from polc.ir.family import Family
from polc.parsing.parser import Parser, Token, TooDeep, Tree, Unexpected
from polc.parsing.tables import END
from polc.simulate.host import Host, Routing
from polc.simulate.packet import Packet
from polc.simulate.steps import Reply, Send, Step, Wait
from polc.simulate.words import OPTIONS, End, Word, Words, assemble, duration, end_of, finish, protocol_of, unquoted
from polc.source import SourceFile, Span

Place = Callable[[int, int], Span]
"""Where the characters from one offset of a text up to another stand."""

_PARSER = Parser("packet")


@dataclass(frozen=True, slots=True)
class Draft:
    """A step of which the host's own addresses are still open."""

    tree: Tree
    place: Place

    @property
    def interfaces(self) -> frozenset[str]:
        """The interfaces that it names."""
        (step,) = self.tree.children
        assert isinstance(step, Tree)
        named = [one for one in step.children if isinstance(one, Tree) and one.name in ("into", "out")]
        return frozenset(unquoted(self._words(one)[0]) for one in named)

    def step(self, host: Host) -> Step:
        """The step on this host.

        Raises:
            Failure: POL062, POL063: there can be no such packet.
        """
        (step,) = self.tree.children
        assert isinstance(step, Tree)
        span = self.place(self.tree.start, self.tree.end)
        match step.name:
            case "wait":
                return Wait(duration(self._words(step)[0]), span)
            case "reply":
                return self._reply(step, span)
            case _:
                return Send(self._packet(step, host), span)

    def _packet(self, tree: Tree, host: Host, outside: Word | None = None, *, quoted: bool = False) -> Packet:
        kind, source_tree, destination_tree, *options = (one for one in tree.children if isinstance(one, Tree))
        source, destination = (end_of(self._words(one)[0]) for one in (source_tree, destination_tree))
        given = {one.name: self._words(one)[0] for one in options if one.name in ("into", "out")}
        at = given.get("into") or given.get("out") or outside

        def own(end: End, family: Family) -> int:
            return host_address(host, at, family, end.word)

        packet = assemble(self._words(kind)[0], source, destination, own)
        seen: set[str] = set()
        # What is said of a flow without its state says the state too, unless somebody names it.
        for one in sorted(options, key=lambda one: one.name == "state"):
            if one.name in seen:
                word = _keyword(one)
                raise Failure.of("POL062", f"`{word}` is there twice", self.place(one.start, one.end))
            seen.add(one.name)
            packet = self._changed(packet, one, host, at)
        packet = finish(packet, destination.word)
        return packet if quoted else placed(packet, host, self.place(tree.start, tree.end), at)

    def _changed(self, packet: Packet, option: Tree, host: Host, at: Word | None) -> Packet:
        if option.name == "about":
            (inner,) = option.children
            assert isinstance(inner, Tree)
            if not packet.is_icmp_error:
                span = self.place(option.start, option.end)
                raise Failure.of("POL062", "only an ICMP error is about another packet", span)
            return replace(packet, quoted=self._packet(inner, host, at, quoted=True))
        words = self._words(option) or (Word("", self.place(option.start, option.end)),)
        return OPTIONS[option.name](packet, words)

    def _reply(self, tree: Tree, span: Span) -> Reply:
        made = Reply(span=span)
        changes: list[Callable[[Packet], Packet]] = []
        for one in tree.children:
            assert isinstance(one, Tree)
            if one.name == "kind":
                protocol, type_, code = protocol_of(self._words(one)[0])
                made = replace(made, protocol=protocol, type=type_, code=code)
            elif one.name == "by":
                made = replace(made, by=end_of(self._words(one)[0]).address)
            elif one.name == "about":
                raise Failure.of("POL062", "an answer is about the packet before", self.place(one.start, one.end))
            else:
                words = self._words(one) or (Word("", self.place(one.start, one.end)),)
                changes.append(_change(one.name, words))
        return replace(made, changes=tuple(changes))

    def _words(self, tree: Tree) -> Words:
        found: list[Word] = []
        for child in tree.children:
            if isinstance(child, Token):
                found.append(Word(child.text, self.place(child.start, child.end)))
            else:
                found += self._words(child)
        return tuple(found)


def _change(option: str, words: Words) -> Callable[[Packet], Packet]:
    return lambda packet: OPTIONS[option](packet, words)


def host_address(host: Host, at: Word | None, family: Family, word: Word) -> int:
    """The address that ``host`` stands for at an interface.

    Raises:
        Failure: POL063: there is no such interface, or it has no address of this family.
    """
    if at is None:
        raise Failure.of(
            "POL063", "`host` stands for the address of an interface, and none is named", word.span,
            help="write where the packet comes in or goes out: `in eth0`, `out eth0`",
        )  # fmt: skip
    name = unquoted(at)
    interface = host.interface(name)
    if interface is None:
        raise Failure.of("POL063", f"the host has no interface `{name}`", at.span, help=_interfaces(host))
    address = interface.address(family)
    if address is None:
        raise Failure.of("POL063", f"`{name}` has no {'IPv4' if family is Family.IP else 'IPv6'} address", word.span)
    return address


def placed(packet: Packet, host: Host, span: Span, at: Word | None) -> Packet:
    """The packet, if it can be said where it comes in or goes out.

    Raises:
        Failure: POL063.
    """
    for name in (packet.iif, packet.oif):
        if name and host.described and host.interface(name) is None:
            raise Failure.of(
                "POL063", f"the host has no interface `{name}`", at.span if at else span, help=_interfaces(host)
            )
    if not packet.iif and not packet.oif:
        routing = Routing(host)
        hop = routing.lookup(packet.family, packet.daddr)
        if not (routing.owner(packet.family, packet.saddr) and hop):
            raise Failure.of(
                "POL063", "it is not said where the packet comes in or goes out", span,
                help="add `in INTERFACE` for one that comes in, `out INTERFACE` for one that the host sends",
            )  # fmt: skip
        return replace(packet, oif=hop.interface or "lo")
    return packet


def _interfaces(host: Host) -> str:
    return f"it has {', '.join(one.name for one in host.interfaces)}"


def read_step(text: str, place: Place) -> Draft:
    """A step in words: a packet, ``reply`` or ``wait``.

    Raises:
        Failure: POL061: at the first word that cannot stand where it does.
    """
    try:
        return Draft(_PARSER.parse(text, "step"), place)
    except TooDeep:
        raise Failure.of("POL061", "errors about errors about errors", place(0, len(text))) from None
    except Unexpected as error:
        raise _failure(error, place) from None


def read_packet(text: str, host: Host) -> Packet:
    """One packet in words, for programs.

    Raises:
        Failure: POL061 to POL063.
    """
    step = read_step(text, SourceFile("packet", text).span).step(host)
    if not isinstance(step, Send):
        raise Failure.of("POL061", "this is no packet", SourceFile("packet", text).whole())
    return step.packet


def parse_host(text: str, place: Place) -> Tree:
    """The tree of a host in words.

    Raises:
        Failure: POL061.
    """
    try:
        return _PARSER.parse(text, "host")
    except Unexpected as error:
        raise _failure(error, place) from None


_NEEDS = {
    "->": "where the packet goes",
    "in": "an interface", "out": "an interface", "flags": "TCP flags such as `syn,ack`",
    "payload": "a text in double quotes", "about": "the packet that the error is about",
    "state": "a conntrack state such as `established`", "wait": "a time such as `100s`", "mac": "a MAC address",
    "by": "an address",
}  # fmt: skip


def _failure(error: Unexpected, place: Place) -> Failure:
    message, advice = _explained(error)
    token = error.token
    if token.kind == END and error.before:
        token = error.before[-1]
    return Failure.of("POL061", message, place(token.start, token.end), help=advice)


def _explained(error: Unexpected) -> tuple[str, str]:
    token, before = error.token, error.before
    found = "" if token.kind == END else f", found `{token.text}`"
    example = "as in `tcp 198.51.100.9:4000 -> host:22 in eth0`"
    if not before:
        return f"expected a packet, `reply` or `wait`{found}", example
    last = before[-1]
    if last.text in _NEEDS and END not in error.expected:
        return f"`{last.text}` needs {_NEEDS[last.text]}{found}", ""
    if error.expected & {"ENDPOINT", "HOST"} and END not in error.expected:
        return f"`{last.text}` needs an address or `host` behind it{found}", example
    if not any(one.text == "->" for one in before) and len(before) == 2:
        return f"`->` and where the packet goes are missing{found}", example
    if token.kind == END or END not in error.expected:
        return f"something is missing after `{last.text}`{found}", ""
    words = sorted(_PARSER.keywords)
    near = get_close_matches(token.text, words, 1)
    return f"`{token.text}` cannot stand here", f"did you mean `{near[0]}`?" if near else example


def _keyword(option: Tree) -> str:
    return {"into": "in"}.get(option.name, option.name.replace("_", "-"))
