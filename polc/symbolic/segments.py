"""Which flags of TCP conntrack takes for those of a segment (net/netfilter/nf_conntrack_proto_tcp.c)."""

from __future__ import annotations

from itertools import combinations

from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.intervals import Intervals
from polc.symbolic.atoms import Bits


def _all(*names: str) -> int:
    return sum(TCP_FLAG_BITS[one] for one in names)


_BESIDE = ("psh", "ecn", "cwr")
_COUNTED = (
    _all("syn"), _all("ack"), _all("syn", "ack"), _all("fin", "ack"), _all("rst"), _all("rst", "ack"),
    _all("syn", "urg"), _all("ack", "urg"), _all("fin", "ack", "urg"),
)  # fmt: skip
"""tcp_valid_flags; others may stand beside any of them."""

_ANSWER = _all("syn", "ack")
_ANY = tuple(_all(*names) for count in range(len(_BESIDE) + 1) for names in combinations(_BESIDE, count))
_VALID = tuple(one | other for other in _ANY for one in _COUNTED)
_OF_FIRST = tuple(one for one in _VALID if one & ~_all(*_BESIDE) != _ANSWER)


def of_flows(bits: Bits, *, first: bool) -> Intervals:
    """The classes of flags that packets of flows can have; ``first``: while nobody has answered, when no SYN is
    acknowledged (tcp_conntracks).
    """
    places = {bits.place[one] for one in (_OF_FIRST if first else _VALID)}
    return Intervals.of((one, one) for one in sorted(places))


def sent_as(bits: Bits, place: int) -> int:
    """A value of a class: one that packets of flows can have, where there is one."""
    return next((one for one in _VALID if bits.place[one] == place), bits.values[place])
