"""Which of its IPv6 addresses a host sends from (RFC 6724, section 5; net/ipv6/addrconf.c, ipv6_get_saddr_eval)."""

from __future__ import annotations

from collections.abc import Sequence

from polc.ir.addresses import is_link_local
from polc.simulate.special import is_site_local

_LABELS: tuple[tuple[int, int, int], ...] = (
    # Prefix, its length, label: net/ipv6/addrlabel.c, ip6addrlbl_init_table.
    (1, 128, 0),
    (0xFFFF, 96, 4),
    (0, 96, 3),
    (0x20010000, 32, 6),
    (0x2001001, 28, 7),
    (0x2002, 16, 2),
    (0xFC00 >> 9, 7, 5),
)
_OTHER_LABEL = 1
_NOWHERE, _LINK, _SITE, _GLOBAL = -1, 2, 5, 14
_MULTICAST = 0xFF


def choose(own: Sequence[tuple[int, int]], near: int) -> int | None:
    """The one of an interface's addresses, each with the length of its prefix, that packets to ``near`` leave with;
    None where it has none. ``own`` are in the order in which they were added: of equal ones the last is taken
    (ipv6_link_dev_addr puts it first). Ages and temporary addresses are not known here.
    """
    if not own:
        return None
    return max(reversed(own), key=lambda one: _merit(one[0], one[1], near))[0]


def _merit(address: int, length: int, near: int) -> tuple[bool, tuple[bool, int], bool, int]:
    """Rules 1, 2, 6 and 8: the greater the better."""
    reach, asked = scope(address), scope(near)
    reaches = reach >= asked
    same = 128 - (address ^ near).bit_length()
    return address == near, (reaches, -reach if reaches else reach), _label(address) == _label(near), min(same, length)


def scope(address: int) -> int:
    """How far an address reaches, the higher the farther (net/ipv6/addrconf_core.c, __ipv6_addr_type, and
    include/net/ipv6.h, __ipv6_addr_src_scope).
    """
    if address == 0:
        return _NOWHERE
    if address >> 120 == _MULTICAST:
        return address >> 112 & 0xF
    if is_site_local(address):
        return _SITE
    return _LINK if is_link_local(address) or address == 1 else _GLOBAL


def _label(address: int) -> int:
    return next((label for prefix, length, label in _LABELS if address >> 128 - length == prefix), _OTHER_LABEL)
