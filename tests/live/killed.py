"""``python killed.py``: polc, killed at a step of its own; a request and an answer a line, in JSON.

A request is ``{"argv": [...], "kill": N, "later": SECONDS}``: the command runs in a child, which is killed just before
the Nth thing that it does and others can see, or so much later (N is 0: never). Those things are Python's own audit
events (PEP 578): files that are opened to be written, renamed or removed, directories made, locks taken, programs
started. So every state that a killed polc can leave behind is one of those between two events, and polc itself has
nothing in it for this. The answer has the status, what was printed, and the events.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from importlib import import_module
from tempfile import NamedTemporaryFile
from typing import Any

from polc.backends.registry import BACKENDS
from polc.cli.main import main
from polc.compiler import compile_policy

SEEN = frozenset(
    {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "fcntl.flock", "subprocess.Popen", "os.fork"}
)


class Counter:
    def __init__(self, last: int, later: float, place: int) -> None:
        self.last, self.later, self.place, self.number = last, later, place, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        what = event
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR) or str(path).startswith("/dev/"):
                return
            what = f"open {path}"
        elif event not in SEEN:
            return
        elif event == "subprocess.Popen":
            what = f"run {' '.join(map(str, arguments[1]))}"
        elif event in ("os.rename", "os.remove", "os.mkdir"):
            what = f"{event} {arguments[0]}"
        self.number += 1
        os.write(self.place, f"{what}\n".encode())
        if self.number == self.last:
            if self.later:
                # Its default action ends a process as surely, and no Python runs then.
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_REAL, self.later)
            else:
                os.kill(os.getpid(), signal.SIGKILL)


def child(request: dict[str, Any], output: int, events: int) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0), write_through=True)
    sys.addaudithook(Counter(request["kill"], request.get("later", 0), events))
    status = 70
    with contextlib.suppress(SystemExit):
        status = main(request["argv"])
    os._exit(status)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    output, events = os.memfd_create("output"), os.memfd_create("events")
    process = os.fork()
    if process == 0:
        child(request, output, events)
    _, status = os.waitpid(process, 0)
    told = {name: os.pread(one, 1 << 20, 0).decode() for name, one in (("output", output), ("events", events))}
    for one in (output, events):
        os.close(one)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "output": told["output"],
        "events": told["events"].split("\n")[:-1],
    }


def warm_up() -> None:
    """Import what commands would import one by one in each child."""
    for verb in ("apply", "plan", "confirm", "rollback", "history"):
        import_module(f"polc.cli.{verb}")
    with NamedTemporaryFile("w", suffix=".yaml") as policy:
        policy.write(
            "polc: 1\ninput: {default: drop, rules: [accept ssh from 192.0.2.1, drop udp over 1/second per source]}\n"
        )
        policy.flush()
        for target in BACKENDS:
            compile_policy(policy.name, target)


def serve() -> None:
    warm_up()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    serve()
