"""The description of a host, in words or as JSON.

Words: ``eth0 203.0.113.1/24 2001:db8:113::1/64, eth1 192.0.2.1/24 group 2, 0.0.0.0/0 via eth0, 10.0.0.0/8 blackhole``.
JSON: ``{"interfaces": {"eth0": {"addresses": ["203.0.113.1/24"], "group": 0, "mtu": 1500, "mac": "02:..."}},
"routes": [{"to": "0.0.0.0/0", "interface": "eth0"}, {"to": "10.0.0.0/8", "type": "blackhole"}],
"forwarding": true, "rp_filter": 0}``.
"""

from __future__ import annotations

import json

from polc.diagnostics import Failure
from polc.ir.addresses import parse_address
from polc.ir.matches import AddressType
from polc.parsing.parser import Token, Tree
from polc.simulate.host import Host, Interface, InterfaceAddress, Route, with_loopback
from polc.simulate.packet_text import parse_host
from polc.simulate.words import Word, mac, number, unquoted
from polc.source import SourceFile, Span

_TYPES = {one.value: one for one in AddressType}


def read_host(source: SourceFile) -> Host:
    """The host that a text describes.

    Raises:
        Failure: POL061, POL062, POL063.
    """
    if source.text.lstrip()[:1] == "{":
        return _from_json(source)
    interfaces: list[Interface] = []
    routes: list[Route] = []
    for item in parse_host(source.text, source.span).children:
        assert isinstance(item, Tree)
        if item.name == "interface":
            interfaces.append(_interface(item, source))
        else:
            routes.append(_route(item, source))
    return _checked(interfaces, routes, source.whole())


def _interface(tree: Tree, source: SourceFile) -> Interface:
    name = ""
    addresses: list[InterfaceAddress] = []
    group, mtu, station = 0, 1500, None
    for child in tree.children:
        if isinstance(child, Token):
            word = Word(child.text, source.span(child.start, child.end))
            if child.kind == "NAME":
                name = child.text
            else:
                addresses.append(_address(word))
            continue
        (value,) = child.children
        assert isinstance(value, Token)
        word = Word(value.text, source.span(value.start, value.end))
        match child.name:
            case "group":
                group = number(word, 0xFFFFFFFF)
            case "mtu":
                mtu = number(word, 65536)
            case _:
                station = mac(word)
    return Interface(name, tuple(addresses), group, mtu, station)


def _route(tree: Tree, source: SourceFile) -> Route:
    to, second = tree.children
    assert isinstance(to, Token)
    prefix = _address(Word(to.text, source.span(to.start, to.end)))
    if isinstance(second, Token):
        return _routed(prefix, second.text, AddressType.UNICAST)
    (kind,) = second.children
    assert isinstance(kind, Token)
    return _routed(prefix, "", _type(Word(kind.text, source.span(kind.start, kind.end))))


def _routed(prefix: InterfaceAddress, interface: str, kind: AddressType) -> Route:
    shift = prefix.family.bits - prefix.length
    return Route(prefix.family, prefix.address >> shift << shift, prefix.length, interface, kind)


def _type(word: Word) -> AddressType:
    kind = _TYPES.get(word.text)
    if kind not in (AddressType.BLACKHOLE, AddressType.UNREACHABLE, AddressType.PROHIBIT):
        raise word.wrong(f"`{word.text}` is no type of a route", "they are blackhole, unreachable and prohibit")
    return kind


def _address(word: Word) -> InterfaceAddress:
    address, slash, length_text = word.text.partition("/")
    try:
        family, low, _ = parse_address(address)
    except ValueError as error:
        raise word.wrong(str(error)) from None
    if not slash:
        return InterfaceAddress(family, low, family.bits)
    return InterfaceAddress(family, low, number(Word(length_text, word.span), family.bits))


def _checked(
    interfaces: list[Interface], routes: list[Route], span: Span, *, forwarding: bool = True, rp_filter: int = 0
) -> Host:
    names = [one.name for one in interfaces]
    for name in names:
        if names.count(name) > 1:
            raise Failure.of("POL063", f"the interface `{name}` is described twice", span)
    for route in routes:
        if route.interface and route.interface not in (*names, "lo"):
            raise Failure.of("POL063", f"a route leads to `{route.interface}`, which is no interface of the host", span)
    if not interfaces:
        raise Failure.of("POL063", "the host has no interface", span)
    return Host(with_loopback(interfaces), tuple(routes), forwarding, rp_filter)


def _from_json(source: SourceFile) -> Host:
    whole = source.span(0, len(source.text.rstrip()))
    try:
        raw = json.loads(source.text)
    except (json.JSONDecodeError, RecursionError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise Failure.of("POL063", "the description of the host is no JSON", source.span(at, at + 1)) from None

    def wrong(message: str) -> Failure:
        return Failure.of("POL063", message, whole)

    def text(value: object, what: str) -> Word:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise wrong(f"{what} is a text or a number")
        return Word(unquoted(Word(str(value), whole)), whole)

    def listed(value: object, what: str) -> list[object]:
        if not isinstance(value, list):
            raise wrong(f"{what} is a list")
        return value

    def keyed(value: object, what: str, known: tuple[str, ...] = ()) -> dict[str, object]:
        if not isinstance(value, dict):
            raise wrong(f"{what} is an object")
        for key in value:
            if known and key not in known:
                raise wrong(f"{what} has no `{key}`: it has {', '.join(known)}")
        return value

    tree = keyed(raw, "a host", ("interfaces", "routes", "forwarding", "rp_filter"))
    interfaces = []
    for name, given in keyed(tree.get("interfaces", {}), "`interfaces`").items():
        values = keyed(given, f"`{name}`", ("addresses", "group", "mtu", "mac"))
        addresses = tuple(
            _address(text(one, "an address")) for one in listed(values.get("addresses", []), "`addresses`")
        )
        group = number(text(values.get("group", 0), "`group`"), 0xFFFFFFFF)
        mtu = number(text(values.get("mtu", 1500), "`mtu`"), 65536)
        station = mac(text(values["mac"], "`mac`")) if "mac" in values else None
        interfaces.append(Interface(name, addresses, group, mtu, station))
    routes = []
    for given in listed(tree.get("routes", []), "`routes`"):
        values = keyed(given, "a route", ("to", "interface", "type"))
        prefix = _address(text(values.get("to"), "`to` of a route"))
        if "interface" in values:
            routes.append(_routed(prefix, text(values["interface"], "`interface`").text, AddressType.UNICAST))
        else:
            routes.append(_routed(prefix, "", _type(text(values.get("type"), "`type` of a route"))))
    forwarding = tree.get("forwarding", True)
    if not isinstance(forwarding, bool):
        raise wrong("`forwarding` is true or false")
    rp_filter = number(text(tree.get("rp_filter", 0), "`rp_filter`"), 2)
    return _checked(interfaces, routes, whole, forwarding=forwarding, rp_filter=rp_filter)
