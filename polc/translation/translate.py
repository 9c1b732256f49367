"""Rulesets to the files of a target, or to a policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from polc.backends.iptables.ipsets import FILE as SETS
from polc.backends.model import Deviation, Options, Output, OutputFile
from polc.backends.nft.backend import FILES as NFT_FILES
from polc.backends.nft.several import in_one_file
from polc.compiler import ANY_APPROXIMATION, describe, produce
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.ruleset import Ruleset, TableFamily
from polc.lift import Lifted, is_counted, lift, uncounted
from polc.passes import pipeline
from polc.passes.one_table import one_table
from polc.translation.lines import lines
from polc.translation.model import Became, Translation, TranslationReport
from polc.translation.report import Entries

POLICY: Final = "policy"
POLICY_FORMAT: Final = "yaml"


def translate(
    rulesets: Sequence[Ruleset], target: str, options: Options, allow: frozenset[str], notes: Iterable[Diagnostic]
) -> Translation:
    """The rulesets for ``target``, a key of ``BACKENDS``; ``allow`` as for ``polc.compiler.emit``. ``notes`` are what
    was said when they were read.
    """
    rulesets = [pipeline.run(one) for one in _for_target(rulesets, target)]
    entries = Entries(rulesets)
    outputs = [produce(one, target, options) for one in rulesets]
    deviations = [one for output in outputs for one in output.deviations]
    remarks = [*notes, *(_described(one, target, allow) for one in deviations)]
    files = _files(outputs, options)
    if (clash := _clash(files, rulesets)) is not None:
        remarks.append(clash)
    for ruleset in rulesets:
        for spans, became in lines(ruleset, target, options, files):
            entries.became(spans, became)
    described = {_described(one, target, allow) for one in deviations if entries.departs(one)}
    for remark in remarks:
        if remark not in described:
            entries.note(remark)
    report = TranslationReport(target, options.format, options.profile.name, entries.rules(), tuple(entries.remarks))
    return Translation(files, tuple(remarks), report)


def to_policy(rulesets: Sequence[Ruleset], notes: Iterable[Diagnostic]) -> Translation:
    """The rulesets as a policy, or as several where they cannot be one table."""
    # Where some tables are counted by their tool and others not, counters would seem to be meant.
    counted = len(rulesets) > 1 and any(map(is_counted, rulesets))
    tables = one_table([uncounted(one) if is_counted(one) else one for one in rulesets] if counted else rulesets)
    entries = Entries(tables)
    lifted = [lift(one) for one in tables]
    files = []
    remarks = [_ends_apart(one) if one.code == "POL518" and len(tables) == 1 else one for one in notes]
    for ruleset, one in zip(tables, lifted, strict=True):
        name = "policy.yaml" if len(tables) == 1 else f"policy-{ruleset.family.value}-{ruleset.table}.yaml"
        files.append(OutputFile(name, one.text))
        for written in one.written:
            entries.became(written.spans, Became(name, written.words))
        for span in one.idle:
            entries.say(span, "nothing happens by it, so it is left out")
        for refused in one.refused:
            if refused.span:
                entries.refused(refused.span, refused.message)
        if counted:
            message = "every rule of some tables counts its packets; the policy does not say so, rule by rule"
            remarks.append(Diagnostic("POL541", message, severity=Severity.NOTE))
            counted = False
        remarks += (*_natives(one), *one.notes, *one.refused)
    for remark in remarks:
        if remark.code != "POL540" or not remark.span:
            entries.note(remark)
    report = TranslationReport(POLICY, POLICY_FORMAT, "", entries.rules(), tuple(entries.remarks))
    return Translation(tuple(files), tuple(remarks), report)


def _for_target(rulesets: Sequence[Ruleset], target: str) -> Sequence[Ruleset]:
    """nft has tables beside each other; of iptables' each is there once for each family."""
    if target == "nft":
        return rulesets
    if any(one.family is TableFamily.INET for one in rulesets):
        return one_table(rulesets)
    own = [[one for one in rulesets if one.family is family] for family in (TableFamily.IP, TableFamily.IP6)]
    others = [one for one in rulesets if one.family not in (TableFamily.IP, TableFamily.IP6)]
    return [*(made for some in own for made in one_table(some)), *others]


def _files(outputs: Sequence[Output], options: Options) -> tuple[OutputFile, ...]:
    """The files of all tables; on nft one, and what several have of ipset is one file too."""
    found: dict[str, list[str]] = {}
    for output in outputs:
        for file in output.files:
            found.setdefault(file.name, []).append(file.text)
    return tuple(
        OutputFile(name, one)
        for name, texts in found.items()
        for one in ([in_one_file(texts, options.format)] if name in NFT_FILES.values() else _joined(name, texts))
    )


def _joined(name: str, texts: Sequence[str]) -> Sequence[str]:
    return ["".join(texts)] if name == SETS else texts


def _clash(files: Sequence[OutputFile], rulesets: Sequence[Ruleset]) -> Diagnostic | None:
    """Files of one name: the second, once loaded, would replace the first."""
    names = [one.name for one in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is None:
        return None
    tables = ", ".join(f"`{one.family.value} {one.table}`" for one in rulesets)
    labels = tuple(Label(one.origin.span) for one in rulesets if one.origin.span)
    return Diagnostic(
        "POL543",
        f"the tables {tables} cannot be one, and `{twice}` would have to hold both",
        labels,
        "translate the tables one by one",
    )


def _described(deviation: Deviation, target: str, allow: frozenset[str]) -> Diagnostic:
    """An error, or a note of what was agreed to."""
    return describe(deviation, target, agreed=bool(allow & {deviation.name, ANY_APPROXIMATION}))


def _ends_apart(apart: Diagnostic) -> Diagnostic:
    """What is said of families that share no table on nft, where they do in a policy."""
    return replace(apart, code="POL541", message=f"{apart.message.partition(', so ')[0]}: a rule of the policy says so")


def _natives(lifted: Lifted) -> list[Diagnostic]:
    return [
        Diagnostic(
            "POL542",
            f"the policy has this in the words of the target that it came from: {one.reason}",
            (Label(one.span),) if one.span else (),
            severity=Severity.NOTE,
        )
        for one in lifted.natives
    ]
