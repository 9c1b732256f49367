"""What the state directory says: the entries of the history, and where the host is in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One ruleset that was to run: ``road`` is the way into the kernel (``nft``, ``iptables-nft``, ...).

    ``tables`` are those that it owns on nft (``inet polc``), and on iptables the prefix of its chains, or ``*`` where
    it has whole tables. ``filled`` are sets that are filled at run time. ``digest`` is that of the files,
    ``policy_digest`` that of the texts of the policy (SHA-256). ``time`` is in seconds since 1970. ``asked`` are the
    options that the policy was compiled with.
    """

    number: int
    time: float
    who: str
    policy: str
    policy_digest: str
    digest: str
    road: str
    tables: tuple[str, ...]
    filled: tuple[str, ...] = ()
    note: str = ""
    asked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that is under way (``changed`` False), or waits for its confirmation.

    ``deadline`` is on the clock that runs since boot, suspended or not (CLOCK_BOOTTIME, seconds); None: none is asked.
    """

    number: int
    changed: bool
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """``running`` and ``confirmed`` are numbers of entries (0: none): what the kernel was last given, and what boot
    loads where ``persisted`` is not empty. ``boot`` is the kernel's id of the boot in which this was written,
    ``untold`` what was done while nobody was there to be told.
    """

    running: int = 0
    confirmed: int = 0
    pending: Pending | None = None
    outcomes: dict[int, str] = field(default_factory=dict)
    persisted: str = ""
    boot: str = ""
    untold: tuple[str, ...] = ()

    def with_outcome(self, number: int, outcome: str) -> State:
        return replace(self, outcomes={**self.outcomes, number: outcome})


def clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def entry_of(found: Any) -> Entry:
    """An entry from JSON.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    pairs = tuple((str(name), str(value)) for name, value in found["asked"])
    return Entry(**{**found, "tables": tuple(found["tables"]), "filled": tuple(found["filled"]), "asked": pairs})


def state_of(found: Any) -> State:
    """A state from JSON.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    if found.pop("format") != FORMAT:
        raise ValueError("another format than this polc knows")
    pending = Pending(**found["pending"]) if found["pending"] else None
    outcomes = {int(number): str(outcome) for number, outcome in found["outcomes"].items()}
    return State(**{**found, "pending": pending, "outcomes": outcomes, "untold": tuple(found["untold"])})
