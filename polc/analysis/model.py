"""What a lint is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polc.analysis.exact import Exact
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.ruleset import Rule
from polc.policy.read import Inspection
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Lint:
    """A question put to a policy as it was lowered, before any pass; ``code`` is the POL3xx of its findings.

    Its documentation stands with the code, in ``polc.diagnostics.codes.analysis``.
    """

    code: str
    check: Callable[[Inspection], Iterator[Diagnostic]]


@dataclass(frozen=True, slots=True)
class ExactLint:
    """A question that takes all packets at once; ``codes`` are those of its findings.

    ``asked_for``: it is only put where one of its codes is selected by name.
    """

    codes: tuple[str, ...]
    check: Callable[[Exact], Iterator[Diagnostic]]
    asked_for: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which codes findings are told: those that begin with one of ``select`` (all where there is none), and with
    none of ``ignore``.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def asks(self, code: str, *, named: bool = False) -> bool:
        """``named``: only where ``select`` has the whole code."""
        if named:
            return code in self.select
        return (not self.select or code.startswith(self.select)) and not (self.ignore and code.startswith(self.ignore))


def warning(code: str, message: str, span: Span | None, *, help: str = "", label: str = "") -> Diagnostic:
    """Something that its author should change, or say why not."""
    return Diagnostic(code, message, (Label(span, label),) if span else (), help, Severity.WARNING)


def note(code: str, message: str, span: Span | None, *, help: str = "") -> Diagnostic:
    """Something worth knowing, which may well be meant."""
    return Diagnostic(code, message, (Label(span),) if span else (), help, Severity.NOTE)


def place(rule: Rule) -> Span | None:
    return rule.origin.span
