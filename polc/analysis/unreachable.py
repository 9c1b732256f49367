"""POL323: chains that rules lead to, and no packet."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.exact import Exact
from polc.analysis.model import ExactLint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.ruleset import RegularChain
from polc.ir.verdicts import chains_of


def _check(exact: Exact) -> Iterator[Diagnostic]:
    callers: dict[str, list[Label]] = {}
    for one in exact.written:
        for part in one.parts:
            # What is behind a chain that nothing comes to needs no word of its own.
            if not exact.comes_to(part.chain):
                continue
            for name in dict.fromkeys(chains_of(part.rule.verdict)):
                callers.setdefault(name, []).append(Label(one.span, "leads there"))
    for chain in exact.ruleset.chains:
        # A chain that nothing names is POL309's.
        if not isinstance(chain, RegularChain) or chain.origin.span is None or chain.name not in callers:
            continue
        if not exact.comes_to(chain.name):
            labels = (Label(chain.origin.span), *dict.fromkeys(callers[chain.name][:3]))
            yield Diagnostic(
                "POL323",
                f"no packet comes to the chain `{chain.origin.name or chain.name}`",
                labels,
                "the rules that lead there are shadowed, or meet nothing",
                Severity.WARNING,
            )


LINTS = (ExactLint(("POL323",), _check),)
