"""What a lifted ruleset is, and what its parts are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polc.diagnostics import Diagnostic
from polc.ir.origin import Origin
from polc.lift.flow import Json
from polc.source import Span


@dataclass(frozen=True, slots=True)
class NativeRule:
    """A rule of the policy that has words of a target in it, which polc does not look into."""

    chain: str
    words: str
    reason: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the policy for rules that came from ``spans``: its words, beginning at ``line``, from 1."""

    spans: tuple[Span, ...]
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Lifted:
    """``text`` is the policy, "" where something is ``refused``: a policy without it would be another one.

    ``natives`` are the rules for which the language has no words, with reasons; ``notes`` what is the same to packets
    and not to somebody who looks at the host; ``chains`` and ``sets`` are the names that those have once the policy is
    compiled, by those that they had; ``written`` are the rules of the text, in its order; ``idle`` the places of rules
    by which nothing happens, which it does not have.
    """

    text: str
    natives: tuple[NativeRule, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    chains: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    written: tuple[Written, ...] = ()
    idle: tuple[Span, ...] = ()


class Unsayable(Exception):
    """The language has no words for a rule, or a part of one; the text says why, fit for a diagnostic."""


@dataclass(slots=True)
class Words:
    """A rule of a policy in the making: what it decides, of which service, and its clauses by their names in
    ``grammar/rule.lark``.
    """

    verdict: str = ""
    service: str = ""
    clauses: list[tuple[str, str]] = field(default_factory=list)
    native: Json = None
    """What stands behind the key ``native``."""

    def add(self, name: str, text: str) -> None:
        self.clauses.append((name, text))


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a list of rules: ``words``, or a mapping that holds them as ``rule``; and where it came from."""

    words: str
    origin: Origin = field(default_factory=Origin)
    native: Json = None
    comment: str = ""

    @property
    def value(self) -> Json:
        """The item as a value of YAML."""
        if self.native is None:
            return self.words
        rule: dict[str, Json] = {"rule": self.words} if self.words else {}
        return {**rule, "native": self.native, **({"comment": self.comment} if self.comment else {})}
