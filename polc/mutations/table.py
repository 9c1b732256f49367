"""The table of mutations, one entry each, and all mutants of a ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.ir.ruleset import Ruleset
from polc.mutations import effects, matches, stateful
from polc.mutations.adapters import in_matches, in_statements, in_verdicts
from polc.mutations.model import Changed, Mutant, Mutation

BURST = "another burst"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation("rule dropped", effects.rule_dropped),
    Mutation("order swapped", effects.order_swapped),
    Mutation("policy turned", effects.policy_turned),
    Mutation("accept for drop", in_verdicts(effects.accept_for_drop)),
    Mutation("drop for accept", in_verdicts(effects.drop_for_accept)),
    Mutation("drop for reject", in_verdicts(effects.drop_for_reject)),
    Mutation("another answer", in_verdicts(effects.other_answer)),
    Mutation("return for accept", in_verdicts(effects.return_for_accept)),
    Mutation("verdict lost", in_verdicts(effects.verdict_lost)),
    Mutation("jump lost", in_verdicts(effects.jump_lost)),
    Mutation("goto for jump", in_verdicts(effects.goto_for_jump)),
    Mutation("element of a map lost", in_verdicts(effects.map_element_lost)),
    Mutation("another verdict in a map", in_verdicts(effects.map_verdict)),
    Mutation("NAT lost", in_verdicts(effects.nat_lost)),
    Mutation("address of NAT off by one", in_verdicts(effects.nat_address)),
    Mutation("port of NAT off by one", in_verdicts(effects.nat_port)),
    Mutation("masquerade for snat", in_verdicts(effects.masquerade_for_snat)),
    Mutation("match lost", in_matches(matches.lost)),
    Mutation("negation lost", in_matches(matches.negation_lost)),
    Mutation("negation added", in_matches(matches.negation_added)),
    Mutation("port off by one", in_matches(matches.port)),
    Mutation("ports lost", in_matches(matches.port_lost)),
    Mutation("another protocol", in_matches(matches.protocol)),
    Mutation("type of ICMP off by one", in_matches(matches.icmp_type)),
    Mutation("another code of ICMP", in_matches(matches.icmp_code)),
    Mutation("prefix widened", in_matches(matches.prefix_widened)),
    Mutation("prefix narrowed", in_matches(matches.prefix_narrowed)),
    Mutation("address off by one", in_matches(matches.address)),
    Mutation("addresses lost", in_matches(matches.addresses_lost)),
    Mutation("element lost", in_matches(matches.element_lost)),
    Mutation("the other side", in_matches(matches.side)),
    Mutation("another interface", in_matches(matches.interface)),
    Mutation("state lost", in_matches(matches.state_lost)),
    Mutation("state added", in_matches(matches.state_added)),
    Mutation("bits of flags merged", in_matches(matches.flag_bits)),
    Mutation("value off by one", in_matches(matches.field_value)),
    Mutation("mask lost", in_matches(matches.mask_lost)),
    Mutation("type of address lost", in_matches(matches.address_type)),
    Mutation("limit removed", in_matches(stateful.removed)),
    Mutation("under for over", in_matches(stateful.turned)),
    Mutation(BURST, in_matches(stateful.burst)),
    Mutation("another key", in_matches(stateful.key)),
    Mutation("statement lost", in_statements(effects.statement_lost)),
    Mutation("another value set", in_statements(effects.other_value)),
    Mutation("another mask set", in_statements(effects.mask)),
)


def mutants(ruleset: Ruleset) -> Iterator[Mutant]:
    """Every mutant of a ruleset, in the order of the table, of chains and of rules; each once."""
    seen: set[object] = set()
    for mutation in MUTATIONS:
        for at, chain in enumerate(ruleset.chains):
            variants: dict[int | None, int] = {}
            for changed in mutation.changes(chain):
                number = changed.number
                what = _what(at, changed)
                if what in seen:
                    continue
                seen.add(what)
                variant = variants[number] = variants.get(number, -1) + 1
                chains = (*ruleset.chains[:at], changed.chain, *ruleset.chains[at + 1 :])
                rule = None if number is None else chain.rules[number]
                yield Mutant(mutation.name, chain.name, number, rule, variant, replace(ruleset, chains=chains))


def _what(at: int, changed: Changed) -> object:
    """What tells a mutant from others: two rules at its place are enough, where all others are as they were."""
    number, rules = changed.number, changed.chain.rules
    return (at, number, len(rules), None if number is None else rules[number : number + 2])
