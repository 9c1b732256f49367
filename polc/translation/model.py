"""What became of each rule of the files that were translated."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.model import Fidelity, OutputFile
from polc.diagnostics import Diagnostic, Severity
from polc.report.model import Difference


@dataclass(frozen=True, slots=True)
class Place:
    """``file`` as it was named; ``line`` and ``column`` from 1, and 0 where something stands in no file."""

    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Became:
    """A rule or line of the output, in the words of its target, and the file that it is in."""

    file: str
    words: str


@dataclass(frozen=True, slots=True)
class RuleTranslation:
    """A rule of the input, as it is written there. ``became`` is what of the output is there for it, maybe for other
    rules too; nothing, where it is refused or where no packet meets it. ``notes`` are sentences on it.
    """

    place: Place
    words: str
    fidelity: Fidelity
    differences: tuple[Difference, ...]
    became: tuple[Became, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of something that is no rule: a chain, a set, a table, a file."""

    place: Place
    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class TranslationReport:
    target: str
    format: str
    profile: str
    """The host that it is for, "" for a policy."""
    rules: tuple[RuleTranslation, ...]
    remarks: tuple[Remark, ...]

    def count(self, fidelity: Fidelity) -> int:
        return sum(one.fidelity is fidelity for one in self.rules)


@dataclass(frozen=True, slots=True)
class Translation:
    """``files`` are to be written where ``is_sound``; ``remarks`` are for the user, of which errors are what is not
    exact and nobody agreed to.
    """

    files: tuple[OutputFile, ...]
    remarks: tuple[Diagnostic, ...]
    report: TranslationReport

    @property
    def errors(self) -> int:
        return sum(one.severity is Severity.ERROR for one in self.remarks)

    @property
    def is_sound(self) -> bool:
        return not self.errors
