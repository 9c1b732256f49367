"""The order of a rule's matches: nft takes some of them in one order alone, or lists them otherwise than they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from polc.backends.nft.expressions import Bits, Ct, ExtensionHeader, Meta, Numbers, Payload, TcpOption
from polc.backends.nft.fields import TAG, TAGGED
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMPV6, PROTOCOLS, TCP

_ETHER_TYPE: Final = Payload("ether", "type")
_TAG_FIELD: Final = Payload("vlan", "id")
_LAST: Final = (Ct("protocol"), Meta("protocol"), _ETHER_TYPE)
"""nft 0.9.8 lists a flow's protocol before ports as the packet's; before a header of another protocol all versions
refuse an Ethernet type, or leave it out of listings.
"""


def in_order(matches: list[Compare]) -> list[Compare]:
    """Matches without state, so that their order means nothing. A tag comes before what stands behind it in a frame.

    Raises:
        Refused: a tag, and another Ethernet type than that of tags.
    """
    if any(one.left == _TAG_FIELD for one in matches):
        matches = [TAGGED, *(one for one in matches if not _is_a_tags_type(one))]
    return sorted(matches, key=_place)


_PROTOCOLS: Final = {**PROTOCOLS, "icmpv6": ICMPV6}


def can_hold(matches: list[Compare]) -> bool:
    """Whether a packet can be of all the transport protocols that the matches name. nft refuses some rules that none
    can meet, and of others it ends itself over the listing.
    """
    left = Intervals.of([(0, 255)])
    for one in matches:
        named = _protocols(one)
        if named is not None:
            left = Intervals(tuple(pair for pair in _common(left, named)))
    return bool(left)


def _protocols(one: Compare) -> Intervals | None:
    """The transport protocols of the packets that a match can hold for, None for any."""
    if one.left == Meta("l4proto") and isinstance(one.right, Numbers) and not one.negated:
        return one.right.values
    field = one.left.field if isinstance(one.left, Bits) else one.left
    if isinstance(field, Payload) and field.protocol in _PROTOCOLS:
        return Intervals.single(_PROTOCOLS[field.protocol])
    return Intervals.single(TCP) if isinstance(field, TcpOption) else None


def _common(one: Intervals, other: Intervals) -> Iterator[tuple[int, int]]:
    for low, high in one.ranges:
        for other_low, other_high in other.ranges:
            if max(low, other_low) <= min(high, other_high):
                yield max(low, other_low), min(high, other_high)


def frame_before_header(matches: list[Compare]) -> bool:
    """Whether nft would look for the family of an extension header in the frame, and join that with what stands there:
    in listings the two are then bytes without a name.
    """
    return any(isinstance(one.left, ExtensionHeader) for one in matches) and any(
        isinstance(one.left, Payload) and one.left.protocol in ("ether", "vlan") for one in matches
    )


def _is_a_tags_type(one: Compare) -> bool:
    if one.left != _ETHER_TYPE:
        return False
    if not isinstance(one.right, Numbers) or (TAG in one.right.values) is one.negated:
        raise Refused("no frame with a VLAN tag has another Ethernet type", "one of the two")
    return True


def _place(one: Compare) -> int:
    if one is TAGGED or one.left == _TAG_FIELD:
        return -1
    return int(one.left in _LAST)
