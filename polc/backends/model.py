"""What a backend is and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from polc.backends.profile import OLDEST, Profile
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset


class Fidelity(Enum):
    """How a rule's meaning came over to a target."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A rule that a target does not hold exactly.

    ``name`` is what a user passes to ``--allow-approximate``; ``message`` states the difference (or,
    for a refusal, the reason), ``help`` what to write instead.
    """

    fidelity: Fidelity
    name: str
    origin: Origin
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """``name`` is the file's name below ``compile -o``; ``text`` its whole content."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """Files to load in their order, and how faithful they are; a refused rule is in no file."""

    files: tuple[OutputFile, ...]
    deviations: tuple[Deviation, ...] = ()


class Layout(Enum):
    """Whether the iptables files hold whole tables, or chains of polc's own beside those of others (``--noflush``)."""

    WHOLE = "whole"
    COEXIST = "coexist"


class IpsetUse(Enum):
    """Whether groups of addresses become ipsets on iptables: large ones, all, or none (then a line for each)."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Options:
    """How to write a ruleset; ``format`` is one of the backend's ``formats``."""

    format: str
    profile: Profile = OLDEST
    layout: Layout = Layout.WHOLE
    ipset: IpsetUse = IpsetUse.AUTO


class Backend(Protocol):
    """A target. ``formats`` are its ways of writing one meaning, the first is the default."""

    @property
    def name(self) -> str: ...

    @property
    def formats(self) -> tuple[str, ...]: ...

    def emit(self, ruleset: Ruleset, options: Options) -> Output:
        """Emit a ruleset that went through ``polc.passes.pipeline``."""
        ...
