"""A scratch namespace with the tools of a root file system, or with those of this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from polc.kernel.netns import Namespace, ScratchNamespace
from versions.generations import NotBuiltError

_ENTER = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs polc "$1/run"
mount -t tmpfs polc "$1/tmp"
mount --bind "$2" "$1/mnt"
"""
"""Mounts of the scratch namespace's own. The root stays as it was built: it is read-only."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A scratch namespace to run tools in, those of a root or (None) of this machine.

    ``shared`` is where a directory of the caller's is seen from inside, ``python`` the interpreter that has the
    bindings of libnftables.
    """

    namespace: Namespace
    root: Path | None
    shared: Path
    python: str = "python3"

    def run(self, *argv: str, input: str = "", timeout: float = 3600.0) -> subprocess.CompletedProcess[str]:
        into = ["chroot", str(self.root)] if self.root else []
        return self.namespace.run([*into, *argv], input=input, timeout=timeout)


@contextmanager
def entered(place: Path, shared: Path) -> Iterator[Inside]:
    """A root in a scratch namespace of its own: network, mounts and processes are no one else's."""
    with ScratchNamespace() as namespace:
        done = namespace.run(["sh", "-c", _ENTER, "sh", str(place), str(shared)])
        if done.returncode != 0:
            raise NotBuiltError(f"cannot enter {place}: {done.stderr.strip()}")
        yield Inside(namespace, place, Path("/mnt"))


_TOOLS = """
import json, re, subprocess, sys
def version(*argv):
    words = subprocess.run(argv, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return re.search(r"v([0-9.]+)", words).group(1)
print(json.dumps({
    "nft": version("nft", "--version"),
    "iptables": version("iptables", "--version"),
    "ipset": version("ipset", "--version"),
    "Python": "{}.{}.{}".format(*sys.version_info),
}))
"""


def tools(inside: Inside) -> dict[str, str]:
    """Tool -> its version, as it says itself."""
    done = inside.run("python3", "-c", _TOOLS)
    if done.returncode != 0:
        raise NotBuiltError(f"its tools do not say their versions: {done.stderr.strip()}")
    found: dict[str, str] = json.loads(done.stdout)
    return found
