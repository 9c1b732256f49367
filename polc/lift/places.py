"""Base chains to sections of a policy: where in a packet's way each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset, TableFamily
from polc.ir.statements import CopyMark, MapMark, MarkField, SetDscp, SetMark
from polc.ir.verdicts import chains_of
from polc.lift.model import Unsayable
from polc.policy.lower.scope import Place
from polc.policy.lower.sections import LISTS, NAT_LISTS, SECTION_PLACES, ingress_name

_PLACES = (*LISTS, *SECTION_PLACES, *NAT_LISTS)
_STAGES: dict[Hook, tuple[int, ...]] = {
    # Defragmentation, conntrack, destination NAT, source NAT, helpers, confirmation: uapi/linux/netfilter_ipv4.h.
    Hook.PREROUTING: (-400, -200, -100),
    Hook.INPUT: (100, 300),
    Hook.FORWARD: (),
    Hook.OUTPUT: (-400, -200, -100),
    Hook.POSTROUTING: (100, 300),
}
"""What the kernel itself does at a hook, by the priorities between which it stands."""
_IP = (TableFamily.INET, TableFamily.IP, TableFamily.IP6)


class At(NamedTuple):
    """The section of a base chain; ``device`` is the interface of one at ingress."""

    chain: BaseChain
    place: Place
    device: str = ""


def check_table(ruleset: Ruleset) -> None:
    """Raises:
    Unsayable: a policy is not about such packets.
    """
    if ruleset.family not in _IP:
        raise Unsayable(f"a policy is about packets of IPv4 and IPv6, and no table of family {ruleset.family.value}")


def places(ruleset: Ruleset) -> Iterator[At | tuple[BaseChain, str]]:
    """The section of each base chain, or why it has none. Several chains of one hook stand as near to their own
    priorities as they can in their order.
    """
    taken: dict[str, BaseChain] = {}
    regular = {one.name: one for one in ruleset.chains if isinstance(one, RegularChain)}
    bases = [one for one in ruleset.chains if isinstance(one, BaseChain)]
    in_order = _in_order(ruleset, bases, regular)
    # Those that have a section of their own priority come first.
    for chain in sorted(bases, key=lambda one: not any(_is_at(place, one) for place in _PLACES)):
        try:
            candidates = _candidates(chain, ruleset, _reroutes(chain, regular))
        except Unsayable as problem:
            yield chain, str(problem)
            continue
        if (together := in_order.get(chain.name)) is not None:
            taken[together.place.name] = chain
            yield together
            continue
        problems = [_in_the_way(chain, at, taken, bases) for at in candidates]
        free = next((at for at, problem in zip(candidates, problems, strict=True) if not problem), None)
        if free is None:
            yield chain, problems[0]
            continue
        taken[free.place.name] = chain
        yield free


def _in_order(ruleset: Ruleset, bases: Sequence[BaseChain], regular: Mapping[str, RegularChain]) -> dict[str, At]:
    """The sections of all chains of each hook for which there are as many, in the order in which packets come by."""
    found: dict[str, At] = {}
    for hook in _STAGES:
        # `sorted` keeps those of one priority as they stand, and so does the kernel.
        own = sorted((one for one in bases if one.hook is hook), key=lambda one: one.priority)
        if not 1 < len(own) <= len(_PLACES):
            continue
        try:
            candidates = [_candidates(one, ruleset, _reroutes(one, regular)) for one in own]
        except Unsayable:
            continue
        rising = (some for some in product(*candidates) if _rises(some))
        best = min(rising, key=_distance, default=())
        found.update((at.chain.name, at) for at in best)
    return found


def _rises(some: Sequence[At]) -> bool:
    return all(one.place.priority.value < other.place.priority.value for one, other in pairwise(some))


def _distance(some: Sequence[At]) -> int:
    return sum(abs(one.place.priority.value - one.chain.priority) for one in some)


def _in_the_way(chain: BaseChain, at: At, taken: Mapping[str, BaseChain], bases: Iterable[BaseChain]) -> str:
    """Why the chain cannot stand there, "" where it can."""
    section = _section(at.place)
    if at.place.name in taken:
        return f"the chain `{taken[at.place.name].name}` stands in the same section of a policy, `{section}`"
    between = _between(chain, at.place, bases)
    return f"in its section, `{section}`, it would be on the other side of {between}" if between else ""


def _is_at(place: Place, chain: BaseChain) -> bool:
    return (place.hook, place.type, place.priority.value) == (chain.hook, chain.type, chain.priority)


def _section(place: Place) -> str:
    return place.name.replace("-", ".", 1)


def _candidates(chain: BaseChain, ruleset: Ruleset, reroutes: bool) -> list[At]:
    """The sections that it could stand in, the nearest first.

    Raises:
        Unsayable: there is none.
    """
    if chain.hook is Hook.INGRESS and ruleset.family is TableFamily.INET:
        return [_ingress(chain)]
    stage = _stage(chain.hook, chain.priority) if chain.hook in _STAGES else -1
    own = [
        one
        for one in _PLACES
        if one.hook is chain.hook
        and _stage(one.hook, one.priority.value) == stage
        and (one.type is ChainType.NAT) is (chain.type is ChainType.NAT)
    ]
    fitting = [one for one in own if one.type is chain.type or not reroutes]
    if not own:
        kind = f"of type {chain.type.value} at {chain.hook.value}, priority {chain.priority}"
        raise Unsayable(f"a policy has no section for a chain {kind}")
    if not fitting:
        word = "is" if own[0].type is ChainType.ROUTE else "is not"
        section = _section(own[0])
        raise Unsayable(
            f"when a mark changes, the route {word} looked up again behind `{section}`, unlike behind this chain"
        )
    return [At(chain, one) for one in sorted(fitting, key=lambda one: abs(one.priority.value - chain.priority))]


def _ingress(chain: BaseChain) -> At:
    if len(chain.devices) != 1:
        raise Unsayable("at ingress, a policy has a section for each interface alone")
    return At(chain, Place(ingress_name(chain.devices[0]), Hook.INGRESS), chain.devices[0])


def _stage(hook: Hook, priority: int) -> int:
    """How many of the kernel's own stages come before; NAT is done in chains of its priority."""
    return sum(one < priority or (one == priority and abs(one) != 100) for one in _STAGES[hook])


def _between(chain: BaseChain, place: Place, bases: Iterable[BaseChain]) -> str:
    """A base chain that the section stands on the other side of, "" for none. Of one priority, order counts."""
    earlier = True
    for other in bases:
        if other is chain:
            earlier = False
        if other is chain or other.hook is not chain.hook:
            continue
        before = other.priority < chain.priority or (earlier and other.priority == chain.priority)
        after = other.priority < place.priority.value
        if before != after and place.priority.value != chain.priority:
            return f"the chain `{other.name}`"
    return ""


def _reroutes(chain: BaseChain, regular: Mapping[str, RegularChain]) -> bool:
    """Whether some rule changes what routes are looked up by (net/netfilter/nft_chain_route.c)."""

    def called(rules: Iterable[Rule]) -> set[str]:
        return {name for rule in rules for name in chains_of(rule.verdict)}

    names = reachable(called(chain.rules), lambda name: called(regular[name].rules))
    rules = [*chain.rules, *(rule for name in names for rule in regular[name].rules)]
    return chain.hook is Hook.OUTPUT and any(_changes_route(one) for rule in rules for one in rule.statements)


def _changes_route(statement: object) -> bool:
    match statement:
        case SetMark(MarkField.META) | CopyMark(MarkField.META) | MapMark(MarkField.META) | SetDscp():
            return True
        case _:
            return False
