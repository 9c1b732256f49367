"""Scratch network namespaces: where rules are tried, so that the host's own are never touched.

A scratch namespace is a network, mount and PID namespace, within a user namespace of its own unless the
caller is root (namespaces(7), user_namespaces(7)). A holder process is its PID 1 and lives as long as a
pipe from this process stays open; with it the kernel ends every process inside (pid_namespaces(7)), so
that nothing outlives the caller, however it ends. ``/run`` is an empty tmpfs inside: there xtables has
its lock and ``ip netns`` its names.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import polc
from polc.diagnostics import Failure
from polc.kernel.programs import find, search_path

_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child")
_HOLD = "mount -t tmpfs polc /run && echo ready && exec cat >/dev/null"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A place to run programs in.

    They start in ``/``, in a session of their own, with the variables of ``environment()``.
    ``holder`` is the process that keeps the namespaces, ``own_user`` whether it has a user namespace,
    ``net`` the file of the network namespace (empty: the holder's).
    """

    holder: int
    own_user: bool
    net: str = ""

    def nested(self, name: str) -> Namespace:
        """The network namespace that ``ip netns add NAME`` made inside this one; all else is shared with it."""
        return replace(self, net=f"/proc/{self.holder}/root/run/netns/{name}")

    def command(self, argv: Sequence[str]) -> list[str]:
        """The argument vector that runs ``argv`` inside."""
        own = f"/proc/{self.holder}/ns"
        user = ("--preserve-credentials", f"--user={own}/user") if self.own_user else ()
        places = (f"--mount={own}/mnt", f"--net={self.net or f'{own}/net'}", f"--pid={own}/pid_for_children")
        # Entering a mount namespace leads to its root, which in a chroot is not the one that we and the holder see.
        root = f"--root=/proc/{self.holder}/root"
        return [find("nsenter"), *user, *places, root, "--", *argv]

    def start(
        self, argv: Sequence[str], *, stdin: int | None = subprocess.PIPE, stderr: int | None = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start a program, its standard streams pipes unless said otherwise; end it with ``stop``."""
        return subprocess.Popen(
            self.command(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            start_new_session=True,
        )

    def run(self, argv: Sequence[str], *, input: str = "", timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, at most ``timeout`` seconds; its status is the caller's to look at.

        Raises:
            subprocess.TimeoutExpired: it took longer, and has been ended.
        """
        process = self.start(argv)
        try:
            output, error = process.communicate(input, timeout)
        finally:
            stop(process)
        return subprocess.CompletedProcess(list(argv), process.returncode, output, error)


class ScratchNamespace:
    """A scratch namespace, for a ``with`` statement that gives the ``Namespace`` inside.

    Raises on entry:
        Failure: POL601, a program is missing; POL602, the kernel refuses namespaces to this user.
    """

    __slots__ = ("_holder",)

    def __enter__(self) -> Namespace:
        for name in ("nsenter", "mount"):
            find(name)
        refusals = []
        # Root has no need of a user namespace where it is let make the others: in one it could do less.
        for own_user in (False, True) if os.geteuid() == 0 else (True,):
            holder, refusal = _hold(own_user)
            if holder is not None:
                self._holder = holder
                return Namespace(holder.pid, own_user)
            refusals.append(refusal)
        raise Failure.of(
            "POL602",
            f"cannot make a scratch network namespace: {'; '.join(refusals)}",
            help="run as root, or allow user namespaces to ordinary users (sysctl `user.max_user_namespaces`, on "
            "Debian `kernel.unprivileged_userns_clone=1`, on Ubuntu `kernel.apparmor_restrict_unprivileged_userns=0`); "
            "a container needs the capabilities SYS_ADMIN and NET_ADMIN",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _release(self._holder)


def environment() -> dict[str, str]:
    """The caller's variables, with programs, this very polc and untranslated messages to be found inside."""
    package = str(Path(polc.__file__).parent.parent)
    python_path = os.pathsep.join(part for part in (package, os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PATH": search_path(), "PYTHONPATH": python_path, "LC_ALL": "C.UTF-8"}


def stop(process: subprocess.Popen[str]) -> None:
    """End a program that ``Namespace.start`` started, if it has not ended, and close its pipes."""
    # The program is a child of nsenter, and must end first: nsenter is the one to reap it. Left to a host's
    # PID 1 that reaps nobody, as in some containers, it would keep its PID namespace from ending. It may not
    # have been forked yet, hence the loop.
    deadline = time.monotonic() + 5
    while process.poll() is None:
        for child in _children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        if time.monotonic() > deadline:
            process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _hold(own_user: bool) -> tuple[subprocess.Popen[str] | None, str]:
    """The holder process, or the kernel's refusal in the words of the tools."""
    unshare = find("unshare")
    # Two steps: a network namespace made before its users are mapped gives /proc/net/ip_tables_names to
    # nobody, and iptables-legacy-save cannot read it (net/netfilter/x_tables.c, xt_proto_init).
    user = (unshare, "--user", "--map-root-user") if own_user else ()
    holder = subprocess.Popen(
        [*user, unshare, *_NAMESPACES, "sh", "-c", _HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd="/",
        start_new_session=True,
    )
    assert holder.stdout is not None
    assert holder.stderr is not None
    if holder.stdout.readline() == "ready\n":
        return holder, ""
    refusal = " ".join(holder.stderr.read().split()) or f"`unshare` ended with status {holder.wait()}"
    _release(holder)
    return None, refusal


def _release(holder: subprocess.Popen[str]) -> None:
    for stream in (holder.stdin, holder.stdout, holder.stderr):
        if stream is not None:
            stream.close()
    holder.wait()
