"""The page about a rule."""

from __future__ import annotations

from collections.abc import Iterator

from polc.backends.registry import BACKENDS
from polc.explaining.find import find_rule, made_of
from polc.explaining.samples import Sample, decided, missed
from polc.explaining.targets import deviations_of, lines_of
from polc.explaining.words import sentences
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.ir.verdicts import chains_of
from polc.passes import pipeline
from polc.policy.read import Inspection
from polc.simulate.assumed import assumed_host
from polc.simulate.packet_format import format_packet
from polc.source import Span


def page(inspected: Inspection, selector: str) -> str:
    """Everything about one rule, in plain text.

    Raises:
        Failure: POL067: there is no such rule.
    """
    written = find_rule(inspected, selector)
    whole = inspected.ruleset
    ruleset = pipeline.run(whole)
    name = next((rule.origin.name for _, _, rule in made_of(whole, written.span)), written.id)
    title = f"{written.span.source.path}:{written.span.line}  {written.name}" + (
        f"  {written.id}" if written.id else ""
    )
    parts = [f"{title}\n    {' '.join(written.span.text.split())}"]
    rules = list(made_of(whole, written.span))
    if not rules:
        parts.append("It says nothing of any packet.")
    heading = "It means" if len(rules) == 1 else f"It stands for {len(rules)} rules"
    said = []
    for number, (chain, _, rule) in enumerate(rules, 1):
        lead = f"{number}. " if len(rules) > 1 else ""
        first, *rest = sentences(rule)
        indent = " " * len(lead)
        said += [f"    {lead}in `{chain.name}`, {first}", *(f"    {indent}{line}" for line in rest)]
    if said:
        parts.append("\n".join([heading, *said]))
    parts += _targets(ruleset, written.span, name)
    parts.append(_packets(ruleset, written.span))
    return "\n\n".join(parts) + "\n"


def _targets(ruleset: Ruleset, span: Span, name: str) -> Iterator[str]:
    for target in BACKENDS:
        lines: list[str] = []
        for one in deviations_of(ruleset, span, target):
            lines.append(f"    {one.fidelity.value} (`{one.name}`): {one.message}")
        for file, found in lines_of(ruleset, span, name, target):
            lines += [f"    {file}", *(f"        {line}" for line in found)]
        yield "\n".join([f"On {target}", *(lines or ["    nothing"])])


def _packets(ruleset: Ruleset, span: Span) -> str:
    host = assumed_host((ruleset,), ("eth0",))
    rules = list(_reached(ruleset, span))
    for one in rules:
        sample = decided(ruleset, host, span, (one,))
        if sample is None:
            continue
        lines = ["A packet that meets it", f"    {_text(sample)}"]
        near = list(missed(ruleset, host, span, sample, one[1]))[:2]
        if near:
            lines.append("Packets that just miss it")
            lines += [line for miss in near for line in (f"    {_text(miss)}", f"        {miss.why}")]
        return "\n".join(lines)
    return (
        "No packet was found that meets it: what comes before takes all that were tried, or it asks for\n"
        "something that is not in a packet"
    )


def _text(sample: Sample) -> str:
    times = f"  ({sample.times} times in a row: the last one)" if sample.times > 1 else ""
    return format_packet(sample.packet) + times


def _reached(ruleset: Ruleset, span: Span) -> Iterator[tuple[BaseChain, Rule]]:
    """The rules from ``span``, each with a base chain that leads to it."""
    chains = {chain.name: chain for chain in ruleset.chains}

    def called(name: str) -> set[str]:
        return {one for rule in chains[name].rules for one in chains_of(rule.verdict)}

    for base in ruleset.chains:
        if isinstance(base, BaseChain):
            for name in sorted(reachable([base.name], called)):
                for rule in chains[name].rules:
                    if rule.origin.span == span:
                        yield base, rule
