"""The order of a rule's matches: nft takes some of them in one order alone, or lists them otherwise than they were."""

from __future__ import annotations

from typing import Final

from polc.backends.nft.expressions import Ct, ExtensionHeader, Meta, Numbers, Payload
from polc.backends.nft.fields import TAG, TAGGED
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare

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
