"""Verdicts as a policy has them."""

from __future__ import annotations

from polc.ir.addresses import format_address, prefix_length
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Side
from polc.ir.ruleset import Rule
from polc.ir.statements import Tproxy
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    MapVerdict,
    Nat,
    NatKind,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    RejectType,
    Return,
    Verdict,
    VerdictMap,
)
from polc.lift.definitions import Definitions
from polc.lift.maps import entries, entry, key_words
from polc.lift.model import Unsayable, Words

_NAT = {
    NatKind.SNAT: "snat",
    NatKind.DNAT: "dnat",
    NatKind.MASQUERADE: "masquerade",
    NatKind.REDIRECT: "redirect",
    NatKind.NETMAP_SOURCE: "netmap",
    NatKind.NETMAP_DESTINATION: "netmap",
}
_MAPPED_SIDE = {NatKind.NETMAP_SOURCE: Side.SADDR, NatKind.NETMAP_DESTINATION: Side.DADDR}


def say(verdict: Verdict | None, rule: Rule, known: Definitions, words: Words) -> None:
    """Write the verdict, and the clauses that belong to it.

    Raises:
        Unsayable: there are no words for it.
    """
    proxy = next((one for one in rule.statements if isinstance(one, Tproxy)), None)
    if proxy:
        if not isinstance(verdict, Accept):
            raise Unsayable("a policy accepts what it hands to a transparent proxy")
        words.verdict = "tproxy"
        words.add("target", f"-> {_proxy(proxy)}")
        return
    match verdict:
        case None:
            pass
        case Accept() | Drop() | Return() | Jump() | Goto():
            words.verdict = _plain(verdict, known)
        case Reject(type):
            words.verdict = "reject" if type is RejectType.PORT_UNREACHABLE else f"reject with {type.value}"
        case Queue(first, last, bypass, fanout):
            numbers = "" if first == last == 0 else f" {first}" if first == last else f" {first}-{last}"
            flags = ", ".join(name for name, there in (("bypass", bypass), ("fanout", fanout)) if there)
            words.verdict = f"queue{numbers}{f' flags {flags}' if flags else ''}"
        case VerdictMap(key, elements):
            text, said = key_words(key, rule)
            found = [
                entry(place, _plain(one, known)) for element, one in elements for place in entries(key, element, rule)
            ]
            words.verdict = f"vmap {text} {{{', '.join(found)}}}"
            words.service = "" if said else words.service
        case Nat():
            _nat(verdict, rule, words)
        case NatMap():
            _nat_map(verdict, rule, words)


def _plain(verdict: MapVerdict, known: Definitions) -> str:
    match verdict:
        case Jump(chain):
            return f"jump {known.chains[chain]}"
        case Goto(chain):
            return f"goto {known.chains[chain]}"
        case Accept():
            return "accept"
        case Drop():
            return "drop"
        case Return():
            return "return"


def _nat(verdict: Nat, rule: Rule, words: Words) -> None:
    words.verdict = _NAT[verdict.kind]
    side = _MAPPED_SIDE.get(verdict.kind)
    if side:
        _check_netmap(verdict, side, rule)
    if verdict.addresses or verdict.ports:
        words.add("target", f"-> {point(verdict.family, verdict.addresses, verdict.ports)}")
    for name, text, there in (
        ("random", "random", verdict.random),
        ("fully_random", "fully-random", verdict.fully_random),
        ("persistent", "persistent", verdict.persistent),
    ):
        if there:
            words.add(name, text)


def _check_netmap(verdict: Nat, side: Side, rule: Rule) -> None:
    """Raises:
    Unsayable: the rule does not say which prefix is mapped.
    """
    own = next((one for one in rule.matches if isinstance(one, AddressMatch) and one.side is side), None)
    family, new = verdict.family, verdict.addresses
    if own and not own.negated and family and new:
        old = own.addresses.of_family(family).ranges
        lengths = [prefix_length(family, *pair) for pair in (*old, *new.ranges)]
        if len(lengths) == 2 and None not in lengths and lengths[0] == lengths[1]:
            return
    raise Unsayable("a policy maps one prefix to another, and the rule does not say which")


def point(family: Family | None, addresses: Intervals | None, ports: Intervals | None) -> str:
    """``192.0.2.10``, ``[2001:db8::1]:80``, ``:3128``.

    Raises:
        Unsayable: they are several ranges.
    """
    ends = [one.ranges for one in (addresses, ports) if one is not None]
    if any(len(ranges) != 1 for ranges in ends):
        raise Unsayable("a new address or port is one range in a policy")
    text = ""
    if addresses and family:
        low, high = addresses.ranges[0]
        length = prefix_length(family, low, high)
        shown = [format_address(family, one) for one in ((low,) if low == high else (low, high))]
        if family is Family.IP6 and ports:
            shown = [f"[{one}]" for one in shown]
        text = "-".join(shown)
        if low != high and length is not None and not ports:
            text = f"{format_address(family, low)}/{length}"
    if ports:
        low, high = ports.ranges[0]
        text += f":{low}" if low == high else f":{low}-{high}"
    return text


def _nat_map(verdict: NatMap, rule: Rule, words: Words) -> None:
    words.verdict = _NAT[verdict.kind]
    text, said = key_words(verdict.key, rule)
    found = [
        entry(place, _target(verdict, target))
        for element, target in verdict.elements
        for place in entries(verdict.key, element, rule)
    ]
    words.add("target", f"-> map {text} {{{', '.join(found)}}}")
    words.service = "" if said else words.service
    for name, there in (("random", verdict.random), ("persistent", verdict.persistent)):
        if there:
            words.add(name, name)


def _target(verdict: NatMap, target: NatTarget) -> str:
    return point(verdict.family, target.addresses, target.ports)


def _proxy(proxy: Tproxy) -> str:
    """Raises:
    Unsayable: it names neither an address nor a port.
    """
    address = None if proxy.address is None else Intervals.single(proxy.address)
    port = None if proxy.port is None else Intervals.single(proxy.port)
    if address is None and port is None:
        raise Unsayable("a transparent proxy has an address or a port in a policy")
    return point(proxy.family, address, port)
