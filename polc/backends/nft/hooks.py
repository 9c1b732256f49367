"""Where base chains may stand, and what may stand in them.

Sources: net/netfilter/nft_chain_filter.c, nft_chain_nat.c, nft_chain_route.c; the ``validate`` functions of
nft_fib.c, nft_socket.c, nft_meta.c, nft_osf.c, nft_rt.c, nft_tproxy.c, nft_synproxy.c, nft_nat.c, nft_masq.c and
nft_redir.c, as of kernel 5.10.
"""

from __future__ import annotations

from collections.abc import Iterator

from polc.backends.features import Feature
from polc.backends.nft.names import check_device
from polc.backends.nft.refused import Refused
from polc.backends.nft.require import require
from polc.backends.profile import Profile
from polc.ir.matches import (
    AddressTypeMatch,
    Direction,
    NameField,
    NameMatch,
    ReversePathMatch,
    Trait,
    TraitMatch,
)
from polc.ir.reachable import reachable
from polc.ir.ruleset import DEVICE_HOOKS, IP_HOOKS, BaseChain, ChainType, Hook, Rule, Ruleset, TableFamily
from polc.ir.statements import AssignHelper, AssignTimeout, AssignZone, ClampMss, Notrack, Synproxy, Tproxy
from polc.ir.verdicts import Nat, NatKind, NatMap, chains_of

_HOOKS: dict[ChainType, frozenset[Hook]] = {
    ChainType.FILTER: frozenset(IP_HOOKS),
    ChainType.NAT: frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING}),
    ChainType.ROUTE: frozenset({Hook.OUTPUT}),
}
CONNTRACK = -200
"""Where conntrack stands at prerouting and output (uapi/linux/netfilter_ipv4.h)."""
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1

_SOURCE_NAT = (Hook.INPUT, Hook.POSTROUTING)
_DESTINATION_NAT = (Hook.PREROUTING, Hook.OUTPUT)
_NAT: dict[NatKind, tuple[Hook, ...]] = {
    NatKind.SNAT: _SOURCE_NAT,
    NatKind.NETMAP_SOURCE: _SOURCE_NAT,
    NatKind.MASQUERADE: (Hook.POSTROUTING,),
    NatKind.DNAT: _DESTINATION_NAT,
    NatKind.NETMAP_DESTINATION: _DESTINATION_NAT,
    NatKind.REDIRECT: _DESTINATION_NAT,
}


_TABLES: dict[TableFamily, dict[ChainType, frozenset[Hook]]] = {
    TableFamily.INET: {**_HOOKS, ChainType.FILTER: frozenset({*IP_HOOKS, Hook.INGRESS})},
    TableFamily.IP: _HOOKS,
    TableFamily.IP6: _HOOKS,
    TableFamily.BRIDGE: {ChainType.FILTER: frozenset(IP_HOOKS)},
    TableFamily.ARP: {ChainType.FILTER: frozenset({Hook.INPUT, Hook.OUTPUT})},
    TableFamily.NETDEV: {ChainType.FILTER: frozenset(DEVICE_HOOKS)},
}
"""nft(8), ADDRESS FAMILIES: the hooks of each."""


def check_hook(chain: BaseChain, table: TableFamily, profile: Profile, *, json: bool) -> None:
    """Raises:
    Refused: the kernel has no such base chain.
    """
    if chain.hook not in _TABLES[table].get(chain.type, ()):
        raise Refused(
            f"nft has no chain of type {chain.type.value} at the {chain.hook.value} hook of tables of the family "
            f"{table.value}"
        )
    if chain.hook in DEVICE_HOOKS:
        _check_devices(chain, table, profile, json=json)
    elif chain.devices:
        raise Refused(f"a chain at the {chain.hook.value} hook has no devices")
    if chain.type is ChainType.NAT and chain.priority <= CONNTRACK:
        raise Refused("a chain of type nat needs a priority above -200, where conntrack stands")
    if not _LOWEST <= chain.priority <= _HIGHEST:
        raise Refused(f"{chain.priority} is not a priority: it has 32 bits")


def _check_devices(chain: BaseChain, table: TableFamily, profile: Profile, *, json: bool) -> None:
    if not chain.devices:
        raise Refused(f"a chain at the {chain.hook.value} hook needs a device")
    for name in chain.devices:
        check_device(name, quoted=len(chain.devices) == 1)
    needed = [Feature.NETDEV_EGRESS] if chain.hook is Hook.EGRESS else []
    needed += [Feature.INET_INGRESS] if table is TableFamily.INET else []
    if json:
        needed.append(Feature.CHAIN_DEVICE_JSON if len(chain.devices) == 1 else Feature.CHAIN_DEVICES_JSON)
    require(profile, *needed)


def callers(ruleset: Ruleset) -> dict[str, list[BaseChain]]:
    """For each chain the base chains from which packets reach it, itself included."""
    calls = {chain.name: [name for rule in chain.rules for name in chains_of(rule.verdict)] for chain in ruleset.chains}
    found: dict[str, list[BaseChain]] = {chain.name: [] for chain in ruleset.chains}
    for base in ruleset.chains:
        if isinstance(base, BaseChain):
            for name in reachable([base.name], lambda name: calls.get(name, ())):
                found.setdefault(name, []).append(base)
    return found


def check_place(rule: Rule, bases: list[BaseChain]) -> None:
    """Raises:
    Refused: the kernel does not take the rule, or it has no effect, where one of ``bases`` stands.
    """
    for what, hooks in _needs(rule):
        for base in bases:
            if base.hook not in hooks:
                names = " and ".join(hook.value for hook in hooks)
                raise Refused(f"nft has {what} at {names} alone, and packets of {base.hook.value} come here")
    for base in bases:
        early = base.priority <= CONNTRACK and base.hook in (Hook.PREROUTING, Hook.OUTPUT)
        for one in rule.statements:
            if (early or base.hook in DEVICE_HOOKS) and isinstance(one, AssignHelper | AssignTimeout):
                what = "conntrack helper" if isinstance(one, AssignHelper) else "timeout"
                raise Refused(
                    f"nft can assign a {what} only after conntrack has seen the packet, at a priority above -200",
                    "a chain of a higher priority",
                )
            if not early and isinstance(one, Notrack | AssignZone):
                what = "notrack" if isinstance(one, Notrack) else "a zone"
                raise Refused(
                    f"{what} has no effect once conntrack has seen the packet",
                    "a chain of prerouting or output with a priority below -200",
                )
        if isinstance(rule.verdict, Nat | NatMap) and base.type is not ChainType.NAT:
            raise Refused("nft rewrites addresses in chains of type nat alone")


def _needs(rule: Rule) -> Iterator[tuple[str, tuple[Hook, ...]]]:
    """Parts of a rule, with the hooks that know them."""
    before_local = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)
    for match in rule.matches:
        match match:
            case ReversePathMatch():
                yield "the reverse path test", (Hook.PREROUTING,)
            case AddressTypeMatch(interface=Direction.IN):
                yield "types of addresses of the incoming interface", (*before_local, Hook.INGRESS)
            case AddressTypeMatch(interface=Direction.OUT):
                yield "types of addresses of the outgoing interface", (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
            case AddressTypeMatch():
                yield "types of addresses", (*IP_HOOKS, *DEVICE_HOOKS)
            case TraitMatch(trait=Trait.SOCKET):
                yield "the match on a socket", (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT)
            case TraitMatch(trait=Trait.IPSEC):
                yield "the match on IPsec", before_local
            case NameMatch(field=NameField.OSF_NAME):
                yield "the fingerprint of the system", before_local
            case _:
                pass
    for one in rule.statements:
        match one:
            case ClampMss(size=None):
                yield "the MSS of the route", (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
            case Tproxy():
                yield "tproxy", (Hook.PREROUTING,)
            case Synproxy():
                yield "synproxy", (Hook.INPUT, Hook.FORWARD)
            case _:
                pass
    match rule.verdict:
        case Nat(kind=kind) | NatMap(kind=kind):
            yield f"`{kind.value}`", _NAT[kind]
        case _:
            pass
