"""Targets that rewrite packets or take them over (iptables-extensions(8), TCPMSS, DSCP, TPROXY, SYNPROXY)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Piece, Refused, Target, module
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.protocols import TCP, UDP
from polc.ir.statements import ClampMss, SetDscp, SetMark, Synproxy, Tproxy

_SYN = "tcp --tcp-flags SYN,RST SYN"


def clamp(one: ClampMss) -> Target:
    """TCPMSS gives a SYN without the option one (net/netfilter/xt_TCPMSS.c): the guard asks for a larger one first."""
    lowest = 0 if one.size is None else one.size + 1
    if not 0 <= lowest <= 0xFFFF:
        raise Refused("mss", "a maximum segment size is at most 65534 here")
    value = "--clamp-mss-to-pmtu" if one.size is None else f"--set-mss {one.size}"
    largest = "65535" if lowest == 0xFFFF else f"{lowest}:65535"
    guard: tuple[Piece, ...] = (*module(_SYN).pieces, *module(f"tcpmss --mss {largest}").pieces)
    return Target(f"-j TCPMSS {value}", (TCP,), guard)


def dscp(one: SetDscp) -> Target:
    return Target(f"-j DSCP --set-dscp {one.value:#04x}")


def tproxy(one: Tproxy, family: Family, mark: SetMark | None = None) -> Target:
    """``mark``: what it sets besides, of packets that a socket takes (net/netfilter/xt_TPROXY.c)."""
    if one.family is not None and one.family is not family:
        raise Refused("tproxy-family", "the proxy's address is of another family than the rule")
    address = format_address(family, one.address or 0)
    marked = "0x0/0x0" if mark is None else f"{mark.value:#x}/{mark.mask:#x}"
    return Target(f"-j TPROXY --on-port {one.port or 0} --on-ip {address} --tproxy-mark {marked}", (TCP, UDP))


def synproxy(one: Synproxy) -> Target:
    flags = (" --sack-perm" if one.sack_perm else "") + (" --timestamp" if one.timestamp else "")
    return Target(f"-j SYNPROXY{flags} --wscale {one.wscale} --mss {one.mss}", (TCP,))
