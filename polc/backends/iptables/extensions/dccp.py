"""``-m dccp --dccp-types``: a list of names, of which there are none above 10 (net/netfilter/xt_dccp.c)."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.values import left
from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.protocols import DCCP

_TYPES = ("REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID")
_HIGHEST = 15  # the field has four bits (RFC 4340, 5.1)


def split(match: FieldMatch) -> Alternatives:
    """All types in one option: those that are asked for, or, where only these have names, those that are not."""
    wanted = [number for number in range(_HIGHEST + 1) if number in left(match)]
    if match.mask is not None or not wanted:
        raise Refused("field-value", "no DCCP packet has such a type")
    rest = [number for number in range(_HIGHEST + 1) if number not in wanted]
    if wanted[-1] < len(_TYPES):
        return Alternatives((_of(wanted),))
    if not rest or rest[-1] < len(_TYPES):
        return Alternatives((_of(rest, negated=True),))
    raise Refused("dccp-type", f"iptables has no names for DCCP types above {len(_TYPES) - 1}")


def _of(numbers: list[int], *, negated: bool = False) -> FieldMatch:
    return FieldMatch(Field.DCCP_TYPE, Intervals.of((one, one) for one in numbers), None, negated)


def words(match: FieldMatch) -> Words:
    names = ",".join(name for number, name in enumerate(_TYPES) if number in match.values)
    asked = f" {'! ' if match.negated else ''}--dccp-types {names}" if names else ""
    return Words((service.protocol(DCCP), *module(f"dccp{asked}").pieces))
