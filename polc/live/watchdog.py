"""Whoever goes back when nobody confirms, or when the process that changes something is killed half-way.

``python -m polc.live.watchdog DIRECTORY NUMBER [guard PIPE]`` is a process of its own session, without a terminal. As a
guard it waits on a pipe for the end of the one that started it, and then has whatever that left half done put back.
Then, if entry NUMBER waits to be confirmed, it waits for the deadline, and goes back where none has confirmed.

Where systemd runs, the deadline is a transient timer of it (systemd-run(1)): so it also comes when all processes of a
login session are killed with it (logind.conf(5), KillUserProcesses). Such a timer's command runs in the network
namespace of PID 1, so in another one the process stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
import syslog
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which

from polc.diagnostics import Failure
from polc.kernel.netns import environment
from polc.kernel.programs import search_path
from polc.live.records import clock
from polc.live.store import Store

_PROGRAM = "polc.live.watchdog"
_SOON = 1.0
"""Seconds between two looks at the state: whoever confirms is noticed within them."""


@contextmanager
def watch(store: Store, number: int, *, guard: bool, deadline: float | None) -> Iterator[None]:
    """Have somebody watch while entry ``number`` is applied (``guard``), and until ``deadline`` (None: no longer).

    Raises:
        Failure: POL628, nobody can be started who would go back.
    """
    by_systemd = deadline is not None and _timer(store, number, deadline - clock())
    if not guard and (deadline is None or by_systemd):
        yield
        return
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        _start(store, number, reading if guard else None)
    finally:
        os.close(reading)
    try:
        yield
    finally:
        os.close(writing)


def _start(store: Store, number: int, pipe: int | None) -> None:
    """A process that is nobody's child and has no terminal: it is started by one that ends at once."""
    program = [sys.executable, "-m", _PROGRAM, str(store.root.absolute()), str(number)]
    program += [] if pipe is None else ["guard", str(pipe)]
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 &', "sh", *program],
            stdin=subprocess.DEVNULL,
            pass_fds=() if pipe is None else (pipe,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
            env=environment(),
            timeout=60,
        )
        reason = done.stderr.decode("utf-8", "replace").strip() if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        raise Failure.of("POL628", f"nobody can be started who would go back: {reason}; nothing has changed")


def _timer(store: Store, number: int, seconds: float) -> bool:
    """Whether systemd has taken it over."""
    program = _systemd_run()
    if program is None:
        return False
    paths = environment()
    done = subprocess.run(
        [
            program, "--quiet", "--collect", f"--unit=polc-confirm-{os.getpid()}-{number}",
            f"--on-active={max(0.1, seconds):.1f}s", "--timer-property=AccuracySec=100ms",
            f"--setenv=PYTHONPATH={paths['PYTHONPATH']}", f"--setenv=PATH={paths['PATH']}",
            sys.executable, "-m", _PROGRAM, str(store.root.absolute()), str(number),
        ],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode == 0


def _systemd_run() -> str | None:
    """systemd-run, where systemd runs, and in our network namespace."""
    if not Path("/run/systemd/system").is_dir():
        return None
    with suppress(OSError):
        if Path("/proc/self/ns/net").readlink() == Path("/proc/1/ns/net").readlink():
            return which("systemd-run", path=search_path())
    return None


def main() -> int:
    directory, number = sys.argv[1], int(sys.argv[2])
    syslog.openlog("polc")
    with suppress(OSError):
        # Memory that runs out is no reason to stay locked out (proc(5), oom_score_adj).
        Path("/proc/self/oom_score_adj").write_text("-1000")
    match sys.argv[3:]:
        case ["guard", pipe]:
            # The other end closes when its process ends, however it ends.
            os.read(int(pipe), 1)
        case _:
            pass
    while True:
        deadline = _look(directory, number)
        if deadline is None:
            return 0
        # Whoever suspends the machine does not stop this clock, but sleep.
        time.sleep(max(0.0, min(_SOON, deadline - clock())))


def _look(directory: str, number: int) -> float | None:
    """Recover what there is; the deadline that is still to come, or None."""
    from polc.live.host import Host
    from polc.live.recover import recover

    try:
        with Store(directory) as store:
            pending = store.state().pending
            if pending is None or pending.number != number:
                return None
            if pending.changed and pending.deadline is not None and clock() < pending.deadline:
                return pending.deadline
            for sentence in recover(store, Host(store.lock), alone=True):
                syslog.syslog(syslog.LOG_WARNING, sentence)
            pending = store.state().pending
            return pending.deadline if pending is not None and pending.number == number else None
    except Failure as failure:
        syslog.syslog(syslog.LOG_ERR, str(failure))
        return clock() + _SOON


if __name__ == "__main__":
    sys.exit(main())
