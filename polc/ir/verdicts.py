"""Verdicts: where a packet goes after a rule. A rule without one lets it go on to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from polc.ir.family import BOTH, Family
from polc.ir.intervals import Intervals
from polc.ir.selectors import Element, Selector


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
    fully_random: bool = False


@dataclass(frozen=True, slots=True)
class NatTarget:
    """What an element of a ``NatMap`` leads to: one address or range of the map's family, and one port or range."""

    addresses: Intervals | None
    ports: Intervals | None = None


@dataclass(frozen=True, slots=True)
class NatMap:
    """As ``Nat`` with the target of the element that the packet's ``key`` is in; elsewhere the rule is broken off.

    ``kind`` is SNAT, DNAT or REDIRECT. All targets have addresses or none, and all have ports or none.
    """

    kind: NatKind
    key: tuple[Selector, ...]
    elements: tuple[tuple[Element, NatTarget], ...]
    family: Family | None = None
    random: bool = False
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """Hands the packet to a program that listens on one of the queues ``first..last``, 0..65535 (nft(8), QUEUE).

    Where none listens the packet is dropped, with ``bypass`` it goes on. ``fanout`` chooses the queue by the CPU.
    """

    first: int
    last: int
    bypass: bool = False
    fanout: bool = False


MapVerdict = Accept | Drop | Jump | Goto | Return


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """The verdict of the element that the packet's ``key`` is in; where there is none it goes on to the next rule.

    Elements are disjoint. With an address in the key the rule has one family (nft ``vmap``).
    """

    key: tuple[Selector, ...]
    elements: tuple[tuple[Element, MapVerdict], ...]


Verdict = Accept | Drop | Reject | Jump | Goto | Return | Nat | NatMap | Queue | VerdictMap


def chains_of(verdict: Verdict | None) -> tuple[str, ...]:
    """The chains that a verdict jumps or goes to."""
    match verdict:
        case Jump(chain) | Goto(chain):
            return (chain,)
        case VerdictMap(elements=elements):
            return tuple(dict.fromkeys(chain for _, one in elements for chain in chains_of(one)))
        case _:
            return ()


def leaves(verdict: Verdict | None) -> bool:
    """Whether the verdict ends its own chain and nothing more, and so cannot stand in a chain below it."""
    match verdict:
        case Return() | Goto():
            return True
        case VerdictMap(elements=elements):
            return any(isinstance(one, Return | Goto) for _, one in elements)
        case _:
            return False


def renamed(verdict: Verdict | None, names: Mapping[str, str]) -> Verdict | None:
    """The verdict with chains under their new names."""
    match verdict:
        case Jump(chain) | Goto(chain):
            return replace(verdict, chain=names[chain])
        case VerdictMap(elements=elements):
            return replace(verdict, elements=tuple((element, _renamed(one, names)) for element, one in elements))
        case _:
            return verdict


def _renamed(one: MapVerdict, names: Mapping[str, str]) -> MapVerdict:
    return replace(one, chain=names[one.chain]) if isinstance(one, Jump | Goto) else one
