"""From a ruleset and what a target made of it to the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from polc.backends.features import Feature
from polc.backends.iptables import ipsets
from polc.backends.model import Deviation, Fidelity, Options, Output
from polc.backends.registry import BACKENDS
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.report import shape_iptables, shape_nft
from polc.report.costs import costs
from polc.report.model import Difference, ElsewhereReport, Report, RuleReport, Totals
from polc.report.shape import Line, Shape
from polc.report.tags import Tagged, tag

_ORDER = {Fidelity.EXACT: 0, Fidelity.APPROXIMATE: 1, Fidelity.REFUSED: 2}


def build_report(ruleset: Ruleset, target: str, options: Options, output: Output) -> Report:
    """The report on ``output``, what ``target`` (a key of ``BACKENDS``) made of the ruleset with these options.

    The ruleset is written once more, with numbers for comments: only so is it known which line came of which rule.
    """
    tagged = tag(ruleset)
    shape = _shape(tagged.ruleset, target, options, tuple(file.name for file in output.files))
    lines: dict[int, list[tuple[str, Line]]] = {}
    for chain in shape.chains:
        for line in chain.lines:
            if line.rule is not None:
                lines.setdefault(line.rule, []).append(("" if chain.hook else chain.name, line))
    rules = tuple(_rules(tagged, lines, output.deviations))
    places = set(tagged.origins)
    elsewhere = tuple(_elsewhere(one) for one in output.deviations if one.origin not in places)
    return Report(
        target, options.format, options.profile, _totals(rules, shape), rules, elsewhere, costs(shape), shape.sets
    )


def _shape(ruleset: Ruleset, target: str, options: Options, names: tuple[str, ...]) -> Shape:
    """nft is looked at in JSON, whatever its format: for text with what that has beyond JSON. Its file is called as it
    is in the output, whose files have these ``names``.
    """
    backend = BACKENDS[target]
    profile = options.profile
    if target == "nft" and options.format != "json":
        more = frozenset(feature for feature in Feature if feature.value.endswith("-json"))
        profile = replace(profile, present=profile.present | more, absent=profile.absent - more)
    files = backend.emit(ruleset, replace(options, format=backend.formats[0], profile=profile)).files
    shapes = [_file(target, name, file.text) for name, file in zip(names, files, strict=True)]
    return Shape(
        tuple(chain for one in shapes for chain in one.chains), tuple(found for one in shapes for found in one.sets)
    )


def _file(target: str, name: str, text: str) -> Shape:
    if target == "nft":
        return shape_nft.shape(name, text)
    if name == ipsets.FILE:
        return Shape((), tuple(shape_iptables.sets(name, text)))
    return Shape(tuple(shape_iptables.chains(name, text)) if name.startswith("rules.") else (), ())


def _rules(
    tagged: Tagged, lines: dict[int, list[tuple[str, Line]]], deviations: Iterable[Deviation]
) -> Iterable[RuleReport]:
    by_origin: dict[Origin, list[Deviation]] = {}
    for one in deviations:
        by_origin.setdefault(one.origin, []).append(one)
    own = {chain.name for chain in tagged.ruleset.chains}
    for number, (origin, chain) in enumerate(zip(tagged.origins, tagged.chains, strict=True)):
        found = lines.get(number, [])
        constructs = {what: None for _, line in found for what in line.constructs}
        constructs |= {f"chain {name}": None for name, _ in found if name and name not in own}
        departs = by_origin.get(origin, [])
        yield RuleReport(
            *_place(origin),
            origin.name,
            chain,
            max((one.fidelity for one in departs), key=_ORDER.__getitem__, default=Fidelity.EXACT),
            tuple(Difference(one.name, one.message) for one in departs),
            len(found),
            tuple(constructs),
        )


def _elsewhere(one: Deviation) -> ElsewhereReport:
    return ElsewhereReport(*_place(one.origin), one.fidelity, Difference(one.name, one.message))


def _place(origin: Origin) -> tuple[str, int, int]:
    return (origin.span.source.path, origin.span.line, origin.span.column) if origin.span else ("", 0, 0)


def _totals(rules: tuple[RuleReport, ...], shape: Shape) -> Totals:
    counts = {fidelity: sum(one.fidelity is fidelity for one in rules) for fidelity in Fidelity}
    lines = [line for chain in shape.chains for line in chain.lines]
    anonymous = [size for line in lines for size in line.anonymous]
    return Totals(
        len(rules),
        counts[Fidelity.EXACT],
        counts[Fidelity.APPROXIMATE],
        counts[Fidelity.REFUSED],
        len(lines),
        len(shape.chains),
        len(shape.sets),
        sum(one.elements for one in shape.sets),
        len(anonymous),
        sum(anonymous),
    )
