"""Words of nft for what a match of iptables asks and polc has no node for."""

from __future__ import annotations

from json import dumps
from typing import NamedTuple

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.matches import NftWords
from polc.ir.selectors import Side


class Ask(NamedTuple):
    """A number in ``low..high`` (``negated``: outside) in a field: ``header`` is one of IPv6's extension headers or,
    ``payload``, of a transport header. Without a ``field``: that there is the header.
    """

    header: str
    field: str
    low: int
    high: int
    negated: bool = False
    payload: bool = False


def asks(*wanted: Ask) -> NftWords:
    """Asks for all of ``wanted``, one after the other."""
    return NftWords(" ".join(map(_text, wanted)), dumps([_json(one) for one in wanted]))


def _text(one: Ask) -> str:
    if not one.field:
        return f"exthdr {one.header} exists"
    values = f"{one.low}" if one.low == one.high else f"{one.low}-{one.high}"
    return f"{one.header} {one.field} {'!= ' if one.negated else ''}{values}"


def _json(one: Ask) -> object:
    if not one.field:
        return {"match": {"op": "==", "left": {"exthdr": {"name": one.header}}, "right": True}}
    place = {"protocol" if one.payload else "name": one.header, "field": one.field}
    left = {"payload" if one.payload else "exthdr": place}
    right = one.low if one.low == one.high else {"range": [one.low, one.high]}
    return {"match": {"op": "!=" if one.negated else "==", "left": left, "right": right}}


def seconds(begin: int | None, end: int | None) -> NftWords:
    """That the time is ``begin`` or later and ``end`` or earlier, both in seconds since 1970.

    Numbers, which nft reads as such, mean the same in every time zone; what has a colon in it would not.
    """
    limits = [(">=", begin)] if begin is not None else []
    # nft counts nanoseconds: the last second ends where the next one begins.
    limits += [("<", end + 1)] if end is not None else []
    time = {"meta": {"key": "time"}}
    return NftWords(
        " ".join(f"meta time {sign} {value}" for sign, value in limits),
        dumps([{"match": {"op": sign, "left": time, "right": f"{value}"}} for sign, value in limits]),
    )


def way_back(flags: tuple[str, ...], *, passes: bool) -> NftWords:
    """Whether there is a route back, by what of the packet."""
    left = {"fib": {"result": "oif", "flags": list(flags)}}
    return NftWords(
        f"fib {' . '.join(flags)} oif {'exists' if passes else 'missing'}",
        dumps([{"match": {"op": "==", "left": left, "right": passes}}]),
    )


def masked_address(family: Family, side: Side, value: int, mask: int, *, negated: bool) -> NftWords:
    """That the bits of ``mask`` in an address are those of ``value``."""
    bits, wanted = format_address(family, mask), format_address(family, value & mask)
    sign = "!=" if negated else "=="
    left = {"&": [{"payload": {"protocol": family.value, "field": side.value}}, bits]}
    return NftWords(
        f"{family.value} {side.value} & {bits} {sign} {wanted}",
        dumps([{"match": {"op": sign, "left": left, "right": wanted}}]),
    )


def node_of_cluster(family: Family, total: int, seed: int, nodes: tuple[int, ...], *, negated: bool) -> NftWords:
    """That a flow's first source is that of one of ``nodes``, from 0 on; and the packet is taken for the host's own."""
    source = {"ct": {"key": f"{family.value} saddr", "dir": "original"}}
    left = {"jhash": {"mod": total, "seed": seed, "expr": source}}
    sign = "!=" if negated else "=="
    own = {"mangle": {"key": {"meta": {"key": "pkttype"}}, "value": "host"}}
    listed = ", ".join(map(str, nodes))
    values = f"{{ {listed} }}" if len(nodes) > 1 else listed
    right = {"set": list(nodes)} if len(nodes) > 1 else nodes[0]
    return NftWords(
        f"jhash ct original {family.value} saddr mod {total} seed {seed:#x} {'!= ' if negated else ''}{values} "
        "meta pkttype set host",
        dumps([{"match": {"op": sign, "left": left, "right": right}}, own]),
    )


def flow_label(bit: int) -> NftWords:
    return NftWords(f"ct label {bit}", dumps([{"match": {"op": "in", "left": {"ct": {"key": "label"}}, "right": bit}}]))
