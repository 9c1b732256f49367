"""Diagnostics: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from polc.diagnostics.codes import CODES
from polc.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A place and, optionally, what is to be said of it."""

    span: Span
    message: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``code`` is a key of ``CODES``; the first label is the place it is about.

    ``path`` names the file where there is no text to point into (it could not be read).
    Messages are lowercase, without a full stop, with the user's words in backticks.
    """

    code: str
    message: str
    labels: tuple[Label, ...] = ()
    help: str = ""
    severity: Severity = Severity.ERROR
    path: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not a registered code")

    @property
    def span(self) -> Span | None:
        return self.labels[0].span if self.labels else None


@dataclass(slots=True)
class Collector:
    """Gathers the diagnostics of a run, so that a user sees all of them and not only the first."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(
        self, code: str, message: str, span: Span, *, help: str = "", label: str = "", also: Iterable[Label] = ()
    ) -> None:
        """Record an error at ``span``; ``also`` are secondary places."""
        self.diagnostics.append(Diagnostic(code, message, (Label(span, label), *also), help))

    def add(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.in_order())

    def in_order(self) -> list[Diagnostic]:
        """All of them, by file and place, each once."""
        unique = list(dict.fromkeys(self.diagnostics))
        return sorted(unique, key=lambda one: (one.span.source.path, one.span.start) if one.span else ("", 0))

    def raise_if_errors(self) -> None:
        """Raises:
        Failure: at least one error has been recorded.
        """
        if self.has_errors:
            raise Failure(tuple(self.in_order()))


class Failure(Exception):
    """Work cannot go on; the diagnostics say why. The exit status follows from their codes."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = tuple(diagnostics)

    @classmethod
    def of(cls, code: str, message: str, span: Span | None = None, *, path: str = "", help: str = "") -> Failure:
        """A failure with a single diagnostic."""
        labels = (Label(span),) if span else ()
        return cls((Diagnostic(code, message, labels, help, path=path),))

    def __str__(self) -> str:
        return "; ".join(f"{one.code}: {one.message}" for one in self.diagnostics)

    @property
    def exit_status(self) -> int:
        """3 when this machine cannot do it (6xx), else 2 (bad input)."""
        return 3 if any(one.code.startswith("POL6") for one in self.diagnostics) else 2
