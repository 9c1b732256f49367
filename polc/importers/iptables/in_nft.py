"""Words of nft for what a match of iptables asks and polc has no node for."""

from __future__ import annotations

from json import dumps
from typing import NamedTuple

from polc.ir.matches import NftWords


class Ask(NamedTuple):
    """A number in ``low..high`` (``negated``: outside) in a field: ``header`` is one of IPv6's extension headers or,
    ``payload``, of a transport header.
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
    values = f"{one.low}" if one.low == one.high else f"{one.low}-{one.high}"
    return f"{one.header} {one.field} {'!= ' if one.negated else ''}{values}"


def _json(one: Ask) -> object:
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
