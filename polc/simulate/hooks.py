"""What stands at each hook, in the order of priorities: the chains, and the kernel's own conntrack and NAT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from polc.ir.family import FAMILIES, Family
from polc.ir.matches import AddressType
from polc.ir.protocols import ICMP, ICMPV6
from polc.ir.ruleset import DEVICE_HOOKS, BaseChain, ChainType, Flowtable, Hook, Ruleset, TableFamily
from polc.ir.stateful import RecentMatch
from polc.ir.verdicts import Accept, Nat, NatMap
from polc.simulate import nat
from polc.simulate.chains import ChainCode, Compiler, Decision, policy_decision
from polc.simulate.conntrack.flow import CONFIRMED, DNAT, DNAT_DONE, SECOND, SNAT, SNAT_DONE, tuple_of
from polc.simulate.conntrack.helpers.registry import read as read_by_helper
from polc.simulate.conntrack.track import track
from polc.simulate.counting import Counting, Memory
from polc.simulate.effects import Effects
from polc.simulate.elements import NamedSet
from polc.simulate.ends import LEAVE
from polc.simulate.flight import NEW, RELATED, Flight
from polc.simulate.matching import Matching
from polc.simulate.settings import Flavour
from polc.simulate.special import is_loopback_ip
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

_CONNTRACK, _DSTNAT, _SRCNAT, _CONFIRM = -200, -100, 100, 1 << 31
"""Priorities of the kernel's own (uapi/linux/netfilter_ipv4.h). NAT chains are called by NAT itself, in the order of
their priorities among themselves (net/netfilter/nf_nat_core.c, nf_nat_register_fn).
"""

_BOTH_DONE = SNAT_DONE | DNAT_DONE
CONNTRACK_DROPS = "conntrack drops it"
NO_LOOPBACK = "a loopback address leaves by no other interface"
_FILTERING = frozenset({Hook.INPUT, Hook.FORWARD, Hook.OUTPUT})
_FAMILIES = {
    TableFamily.INET: FAMILIES,
    TableFamily.IP: (Family.IP,),
    TableFamily.IP6: (Family.IP6,),
    TableFamily.NETDEV: FAMILIES,
    # Frames that are bridged and ARP never meet a host's own addresses: such tables see no packet here.
    TableFamily.BRIDGE: (),
    TableFamily.ARP: (),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a packet's way that no rule says. ``error`` is the type and code of the ICMP error, of IPv4 and of
    IPv6, that the host sends about it.
    """

    reason: str
    error: tuple[tuple[int, int], tuple[int, int]] | None = None


Station = Callable[[Flight], "Decision | Ended | None"]
"""Something at a hook: None lets the packet go on."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A ruleset, and whose words it was loaded with."""

    ruleset: Ruleset
    flavour: Flavour = Flavour.NFT


@dataclass(eq=False, slots=True)
class Hooks:
    """The hooks of a host. ``accepted`` is who accepted the packet at hand last."""

    world: World
    loaded: Sequence[Loaded]
    chains: list[tuple[Loaded, Family, dict[str, ChainCode]]] = field(default_factory=list)
    sets: list[dict[str, NamedSet]] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    stations: dict[tuple[Family, Hook], tuple[Station, ...]] = field(default_factory=dict)
    devices: dict[tuple[Family, Hook, str], tuple[Station, ...]] = field(default_factory=dict)
    flowtables: dict[str, Flowtable] = field(default_factory=dict)
    accepted: Decision | None = None
    doubtful: set[tuple[bool, int, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for one in self.loaded:
            self._load(one)
        for family in FAMILIES:
            natted = self._base_chains(family, lambda chain: chain.type is ChainType.NAT)
            for hook in Hook:
                if hook not in DEVICE_HOOKS:
                    self.stations[family, hook] = self._at(family, hook, bool(natted))
        self._build_devices()

    def _load(self, one: Loaded) -> None:
        now = self.world.table.now
        sets = {
            named.name: NamedSet(
                named.elements, named.size, None if named.timeout is None else named.timeout * SECOND, now
            )
            for named in one.ruleset.sets
        }
        self.sets.append(sets)
        memory = Memory()
        self.memories.append(memory)
        most = _most_hits(one.ruleset)
        effects = Effects(self.world, one.flavour, sets)
        for family in _FAMILIES[one.ruleset.family]:
            counting = Counting(family, one.flavour, self.world, memory, most)
            compiler = Compiler(one.ruleset, family, Matching(family, self.world, sets, counting), effects)
            self.chains.append((one, family, compiler.compile()))
        self.flowtables.update({table.name: table for table in one.ruleset.flowtables})

    def forget(self) -> None:
        """Rulesets are as they were loaded."""
        self.doubtful.clear()
        for memory in self.memories:
            memory.forget()
        for sets in self.sets:
            for named in sets.values():
                named.reset(self.world.table.now)

    def _base_chains(self, family: Family, wanted: Callable[[BaseChain], bool]) -> list[tuple[BaseChain, ChainCode]]:
        """By priority; those of equal priority as they were loaded, which the kernel promises nobody."""
        found = [
            (chain, code)
            for one, of, chains in self.chains
            if of is family
            for code in chains.values()
            if isinstance(chain := code.chain, BaseChain) and wanted(chain)
        ]
        return sorted(found, key=lambda pair: pair[0].priority)

    def _at(self, family: Family, hook: Hook, natted: bool) -> tuple[Station, ...]:
        placed: list[tuple[int, Station]] = [
            (chain.priority, (self._rerouting if chain.type is ChainType.ROUTE else self._station)(chain, code))
            for chain, code in self._base_chains(
                family, lambda chain: chain.hook is hook and chain.type is not ChainType.NAT
            )
        ]
        if hook in (Hook.PREROUTING, Hook.OUTPUT):
            placed.append((_CONNTRACK, self._track))
        if natted and hook is not Hook.FORWARD:
            own = self._base_chains(family, lambda chain: chain.hook is hook and chain.type is ChainType.NAT)
            priority = _SRCNAT if hook in nat.SOURCE_HOOKS else _DSTNAT
            placed.append((priority, self._nat_station(hook, [self._called(chain, code) for chain, code in own])))
        if hook in (Hook.INPUT, Hook.POSTROUTING):
            placed.append((_CONFIRM, self._confirm))
        return tuple(station for _, station in sorted(placed, key=lambda pair: pair[0]))

    def _build_devices(self) -> None:
        for family in FAMILIES:
            for hook in DEVICE_HOOKS:
                found = self._base_chains(family, lambda chain, hook=hook: chain.hook is hook)  # type: ignore[misc]
                for name in {name for chain, _ in found for name in chain.devices}:
                    own = [self._station(chain, code) for chain, code in found if name in chain.devices]
                    self.devices[family, hook, name] = tuple(own)

    def _station(self, chain: BaseChain, code: ChainCode) -> Station:
        policy = policy_decision(chain)
        run, filtering = code.run, chain.hook in _FILTERING and chain.type is ChainType.FILTER
        late = chain.priority > 0

        def station(flight: Flight) -> Decision | None:
            found = run(flight)
            if found is None or found is LEAVE:
                found = policy
                self._tell_policy(policy)
            if not isinstance(found.verdict, Accept):
                return found
            decides = filtering and (found.rule is not None or not late)
            if decides or (self.accepted is None and (filtering or found.rule is not None)):
                self.accepted = found
            return None

        return station

    def _rerouting(self, chain: BaseChain, code: ChainCode) -> Station:
        """What a chain changes of a packet of the host may lead it elsewhere, and so its way is looked up again
        (net/netfilter/nft_chain_route.c; net/ipv4/netfilter.c, ip_route_me_harder).
        """
        plain = self._station(chain, code)

        def station(flight: Flight) -> Decision | Ended | None:
            before = flight.mark, flight.dscp
            found = plain(flight)
            if found is None and before != (flight.mark, flight.dscp) and not self._leads_on(flight):
                return Ended(NO_LOOPBACK)
            return found

        return station

    def _called(self, chain: BaseChain, code: ChainCode) -> Callable[[Flight], Decision]:
        policy = policy_decision(chain)

        def call(flight: Flight) -> Decision:
            found = code.run(flight)
            return policy if found is None or found is LEAVE else found

        return call

    def _tell_policy(self, policy: Decision) -> None:
        if self.world.tracer is not None:
            self.world.tracer.policy(policy)

    def _track(self, flight: Flight) -> Ended | None:
        if self.doubtful:
            self._doubt(flight)
        flight.tracked = True
        if not track(self.world.table, flight, self.world.settings):
            return Ended(CONNTRACK_DROPS)
        return None

    def _doubt(self, flight: Flight) -> None:
        of = tuple_of(flight, self.world.table.gre_keys)
        if of is None:
            return
        six, protocol, source, destination, left, right = of
        if (six, protocol, source, left) in self.doubtful or (six, protocol, destination, right) in self.doubtful:
            raise OnlyKernelKnows("whether there is a flow of the packet hangs on one whose way only the kernel knows")

    def _nat_station(self, hook: Hook, chains: list[Callable[[Flight], Decision]]) -> Station:
        """nf_nat_core.c, nf_nat_inet_fn: rules are asked for the first packet of a flow alone."""
        source = hook in nat.SOURCE_HOOKS
        done = SNAT_DONE if source else DNAT_DONE

        def station(flight: Flight) -> Decision | Ended | None:
            flow = flight.flow
            if flow is None:
                return None
            if flight.state == RELATED and flight.protocol in (ICMP, ICMPV6):
                changed = flow.status & (SNAT | DNAT) or flow.status & _BOTH_DONE != _BOTH_DONE
                if changed and nat.is_redirect(flight):
                    return Ended("a redirect is about a flow that NAT changes")
                nat.rewrite_error(flight, source=source)
                return None
            if flight.state in (NEW, RELATED) and not flow.status & done:
                for call in chains:
                    found = call(flight)
                    if not isinstance(found.verdict, Accept | Nat | NatMap):
                        return found
                    if flow.status & done:
                        break
                if not flow.status & done and not nat.bind_nothing(self.world, flow, source=source):
                    return Ended("NAT finds no address for it")
            elif flow.masq_out and flow.masq_out != flight.oif and hook is Hook.POSTROUTING and not flight.reply:
                # nf_nat_oif_changed: the address that masqueraded the flow is another interface's.
                self.world.table.kill(flow)
                return Ended("the flow was masqueraded for another interface")
            daddr = flight.daddr
            if nat.rewrite(flight, source=source) and nat.is_short(flight):
                return Ended("NAT looks for more of the header than there is")
            if hook is Hook.OUTPUT and flight.daddr != daddr and not self._leads_on(flight):
                return Ended(NO_LOOPBACK)
            return None

        return station

    def _leads_on(self, flight: Flight) -> bool:
        """Whether there is a way to where NAT sends a packet of the host, which is looked up at once
        (net/netfilter/nf_nat_proto.c, nf_nat_ipv4_local_fn): not from a loopback address to another host
        (net/ipv4/route.c, __mkroute_output).
        """
        routing = self.world.routing
        if (
            flight.six
            or not is_loopback_ip(flight.saddr)
            or routing.type_of(Family.IP, flight.saddr) is not AddressType.LOCAL
        ):
            return True
        hop = routing.lookup(flight.family, flight.daddr)
        return hop is not None and hop.type is AddressType.LOCAL

    def _confirm(self, flight: Flight) -> Ended | None:
        """nf_conntrack_proto.c, nf_confirm: the end of the packet's way; helpers read it, and a new flow is kept."""
        flow = flight.flow
        if flow is None:
            return None
        # Helpers do not expect ICMP errors, which are all that is related and a reply (nf_confirm).
        readable = flow.helper != "" and not (flight.state == RELATED and flight.reply)
        if readable and not read_by_helper(self.world, flow, flight):
            return Ended(f"the helper `{flow.helper}` drops it")
        if not flow.status & CONFIRMED and not flight.reply:
            kept = self.world.table.confirm(flow)
            if kept is None:
                return Ended("another flow has its addresses and ports")
            flight.flow = kept
        return None

    def codes(self) -> Iterator[tuple[Loaded, Family, ChainCode]]:
        """All chains as they were made, for those who count what rules met."""
        for one, family, chains in self.chains:
            for code in chains.values():
                yield one, family, code


def _most_hits(ruleset: Ruleset) -> dict[str, int]:
    """The largest count of hits that any rule asks a list of xt_recent for."""
    most: dict[str, int] = {}
    for chain in ruleset.chains:
        for rule in chain.rules:
            for match in rule.matches:
                if isinstance(match, RecentMatch):
                    most[match.name] = max(most.get(match.name, 0), match.hits or 0)
    return most
