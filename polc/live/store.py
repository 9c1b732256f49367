"""The state directory: what was applied, what boot loads, and what is under way. It outlives every process.

``state.json`` is the one file that is changed; it is replaced whole, and reaches the disk before anything goes on. What
it names (``entries/N``) has reached the disk before it. All of it is readable by its owner alone (0700, 0600).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType

from polc.backends.model import OutputFile
from polc.diagnostics import Failure
from polc.live.records import FORMAT, Entry, State, boot_id, entry_of, state_of

DEFAULT = "/var/lib/polc"
VARIABLE = "POLC_STATE_DIR"
KEPT = 50
"""Entries of the history; older ones are taken away."""
PATIENCE = 60.0
"""Seconds to wait for another polc that holds the lock."""


class Store:
    """A state directory whose lock is held, for a ``with`` statement.

    Raises on entry:
        Failure: POL620, it cannot be written; POL621, another polc holds it.
    """

    def __init__(self, directory: str, patience: float = PATIENCE) -> None:
        self.root = Path(directory)
        self._patience = patience
        self.lock = -1

    def __enter__(self) -> Store:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / "entries").mkdir(mode=0o700, exist_ok=True)
            self.lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(self.root, error) from None
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(self.lock)
                    raise Failure.of(
                        "POL621",
                        f"another polc has been changing this firewall for {self._patience:g} seconds",
                        path=str(self.root),
                    ) from None
                time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.lock)

    def state(self) -> State:
        """Raises:
        Failure: POL622, what is there is not what polc writes.
        """
        try:
            text = (self.root / "state.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return State(boot=boot_id())
        try:
            return state_of(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise self._misread("state.json", error) from None

    def write(self, state: State) -> None:
        """Raises:
        Failure: POL620.
        """
        shown = {"format": FORMAT, **asdict(replace(state, boot=boot_id()))}
        self._put(self.root / "state.json", json.dumps(shown, indent=1) + "\n")

    def entry(self, number: int) -> Entry:
        """Raises:
        Failure: POL623, there is none of that number; POL622.
        """
        try:
            text = (self._place(number) / "entry.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failure.of(
                "POL623", f"the history has no entry {number}", path=str(self.root), help="`polc history` lists them"
            ) from None
        try:
            return entry_of(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise self._misread(f"entries/{number}/entry.json", error) from None

    def entries(self) -> list[Entry]:
        """All, the oldest first."""
        numbers = sorted(int(one.name) for one in (self.root / "entries").iterdir() if one.name.isdigit())
        return [self.entry(number) for number in numbers if (self._place(number) / "entry.json").exists()]

    def files(self, number: int, part: str = "new") -> tuple[OutputFile, ...]:
        """The files of an entry, or with ``before`` those that lead back from it, in their order."""
        place = self._place(number) / part
        try:
            order = json.loads((place / "order.json").read_text(encoding="utf-8"))
            return tuple(OutputFile(name, (place / name).read_text(encoding="utf-8")) for name in order)
        except (OSError, ValueError, TypeError) as error:
            raise self._misread(f"entries/{number}/{part}", error) from None

    def add(self, entry: Entry, files: tuple[OutputFile, ...], before: tuple[OutputFile, ...]) -> None:
        """Write an entry with its files; nothing names it yet.

        Raises:
            Failure: POL620.
        """
        place = self._place(entry.number)
        # It gets its name when it is whole; what a killed polc has left of one is taken away with the next.
        beside = place.with_name(f".{place.name}.new")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(mode=0o700)
            for part, some in (("new", files), ("before", before)):
                (beside / part).mkdir(mode=0o700)
                for one in some:
                    _write(beside / part / one.name, one.text)
                _write(beside / part / "order.json", json.dumps([one.name for one in some]))
                _sync(beside / part)
            _write(beside / "entry.json", json.dumps(asdict(entry), indent=1) + "\n")
            _sync(beside)
            shutil.rmtree(place, ignore_errors=True)
            beside.rename(place)
            _sync(place.parent)
        except OSError as error:
            raise _unwritable(place, error) from None

    def next_number(self, state: State) -> int:
        numbers = [int(one.name) for one in (self.root / "entries").iterdir() if one.name.isdigit()]
        return max([state.running, state.confirmed, *state.outcomes, *numbers, 0]) + 1

    def prune(self, state: State) -> State:
        """Take old entries away, but for those that are still needed."""
        needed = {state.running, state.confirmed, state.pending.number if state.pending else 0}
        numbers = sorted(int(one.name) for one in (self.root / "entries").iterdir() if one.name.isdigit())
        old = {number for number in numbers[:-KEPT] if number not in needed}
        if not old:
            return state
        state = replace(state, outcomes={one: each for one, each in state.outcomes.items() if one not in old})
        self.write(state)
        for number in old:
            shutil.rmtree(self._place(number), ignore_errors=True)
        return state

    def put(self, name: str, text: str, *, executable: bool = False) -> None:
        """Write a file of the directory, whole or not at all.

        Raises:
            Failure: POL620.
        """
        place = self.root / name
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(place, error) from None
        self._put(place, text, 0o700 if executable else 0o600)

    def text(self, name: str) -> str:
        """A file of the directory; empty: it is not there."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def clear(self, name: str, kept: set[str]) -> None:
        """Take away what is in a directory but for what has these names."""
        for one in (self.root / name).iterdir():
            if one.name in kept:
                continue
            if one.is_dir():
                shutil.rmtree(one, ignore_errors=True)
            else:
                one.unlink()

    def _place(self, number: int) -> Path:
        return self.root / "entries" / str(number)

    def _put(self, place: Path, text: str, mode: int = 0o600) -> None:
        beside = place.with_name(f".{place.name}.new")
        try:
            _write(beside, text, mode)
            beside.replace(place)
            _sync(place.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise _unwritable(place, error) from None

    def _misread(self, name: str, error: Exception) -> Failure:
        return Failure.of(
            "POL622",
            f"this is not what polc has written there: {type(error).__name__}: {error}",
            path=str(self.root / name),
        )


def _write(place: Path, text: str, mode: int = 0o600) -> None:
    """A file that has reached the disk; its name has not before ``_sync``."""
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(place: Path, error: OSError) -> Failure:
    reason = (error.strerror or str(error)).lower()
    return Failure.of(
        "POL620",
        f"the state directory cannot be written: {reason}",
        path=str(place),
        help=f"run as root, or name another with --state-dir or {VARIABLE}",
    )
