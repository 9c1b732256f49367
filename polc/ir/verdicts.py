"""Verdicts: where a packet goes after a rule. A rule without one lets it go on to the next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.family import BOTH, Family
from polc.ir.intervals import Intervals


@dataclass(frozen=True, slots=True)
class Accept:
    """Ends this base chain; a later base chain on the same hook can still drop (nft(8), VERDICT STATEMENT)."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Ends the packet's way, without an answer."""


class RejectType(Enum):
    """Answers of a reject. The first four exist for both families (nft's ``icmpx``)."""

    PORT_UNREACHABLE = "port-unreachable"
    HOST_UNREACHABLE = "host-unreachable"
    NO_ROUTE = "no-route"
    ADMIN_PROHIBITED = "admin-prohibited"
    TCP_RESET = "tcp-reset"
    NET_UNREACHABLE = "net-unreachable"
    PROTO_UNREACHABLE = "proto-unreachable"
    NET_PROHIBITED = "net-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    ADDR_UNREACHABLE = "addr-unreachable"
    POLICY_FAIL = "policy-fail"
    REJECT_ROUTE = "reject-route"

    @property
    def families(self) -> frozenset[Family]:
        """The families of packets that can be answered so."""
        return _REJECT_FAMILIES.get(self, BOTH)


_ONLY_IP = frozenset({Family.IP})
_ONLY_IP6 = frozenset({Family.IP6})
_REJECT_FAMILIES: dict[RejectType, frozenset[Family]] = {
    RejectType.NET_UNREACHABLE: _ONLY_IP,
    RejectType.PROTO_UNREACHABLE: _ONLY_IP,
    RejectType.NET_PROHIBITED: _ONLY_IP,
    RejectType.HOST_PROHIBITED: _ONLY_IP,
    RejectType.ADDR_UNREACHABLE: _ONLY_IP6,
    RejectType.POLICY_FAIL: _ONLY_IP6,
    RejectType.REJECT_ROUTE: _ONLY_IP6,
}


@dataclass(frozen=True, slots=True)
class Reject:
    """Ends the packet's way with an answer to its sender; ``TCP_RESET`` needs a rule that matches TCP only."""

    type: RejectType = RejectType.PORT_UNREACHABLE


@dataclass(frozen=True, slots=True)
class Jump:
    """Goes on in a regular chain and comes back after its end or a return."""

    chain: str


@dataclass(frozen=True, slots=True)
class Goto:
    """Goes on in a regular chain; its end is the end of the chain that this one was jumped to from."""

    chain: str


@dataclass(frozen=True, slots=True)
class Return:
    """Goes back to after the jump; in a base chain the chain's policy decides."""


class NatKind(Enum):
    SNAT = "snat"
    DNAT = "dnat"
    MASQUERADE = "masquerade"
    REDIRECT = "redirect"
    NETMAP_SOURCE = "snat prefix"
    NETMAP_DESTINATION = "dnat prefix"


@dataclass(frozen=True, slots=True)
class Nat:
    """Rewrites the flow's addresses, in a chain of type ``nat``; decided by its first packet alone.

    ``addresses`` is one range of ``family`` (snat, dnat), or one prefix that replaces the packet's own and keeps
    its host bits (netmap). ``ports`` is one range, None: unchanged. ``random`` and ``persistent`` are netfilter's
    flags (net/netfilter/nft_nat.c, xt_nat.c).
    """

    kind: NatKind
    family: Family | None = None
    addresses: Intervals | None = None
    ports: Intervals | None = None
    random: bool = False
    persistent: bool = False


Verdict = Accept | Drop | Reject | Jump | Goto | Return | Nat
