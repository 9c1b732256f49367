"""Addresses that mean something of their own, by their bits (RFC 6890; net/ipv6/addrconf_core.c, __ipv6_addr_type)."""

from __future__ import annotations

EVERYBODY = 0xFFFFFFFF
LOOPBACK_IP, LOOPBACK_IP6 = 0x7F000001, 1


def is_loopback_ip(address: int) -> bool:
    """127.0.0.0/8."""
    return address >> 24 == 127


def is_group_ip(address: int) -> bool:
    """224.0.0.0/4."""
    return address >> 28 == 0xE


def is_group_of_link_ip(address: int) -> bool:
    """224.0.0.0/24."""
    return address >> 8 == 0xE00000


def is_mapped(address: int) -> bool:
    """::ffff:0:0/96, which is the address of no host."""
    return address >> 32 == 0xFFFF


def is_site_local(address: int) -> bool:
    """fec0::/10."""
    return address >> 118 == 0xFEC0 >> 6
