"""The generations of Debian, each a root file system that debootstrap(8) builds once.

A generation that is not here yet is one line of ``GENERATIONS``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from polc.backends.profile import OLDEST, Profile
from polc.kernel.netns import Namespace, ScratchNamespace, environment


@dataclass(frozen=True, slots=True)
class Generation:
    """``suite`` is what Debian's archive calls it; outputs are written for ``profile``."""

    suite: str
    profile: Profile


GENERATIONS = (
    Generation("bullseye", OLDEST),
    Generation("bookworm", OLDEST),
    Generation("trixie", OLDEST),
    Generation("sid", OLDEST),
)

PACKAGES = (
    *("nftables", "iptables", "ipset", "iproute2", "python3-nftables"),
    # What polc itself needs, to be run in those whose Python is new enough.
    *("python3-lark", "python3-jsonschema", "python3-yaml"),
)

_BUILT = "polc-packages"
"""A file in a root that was built to its end: the packages it was built with."""

LONGEST = 3600
"""Seconds that building a root may take."""


class NotBuiltError(Exception):
    """A root that cannot be had, and why."""


def cache() -> Path:
    """Where roots and other things that take long to make are kept."""
    own = os.environ.get("POLC_VERSIONS_CACHE")
    if own:
        return Path(own).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polc" / "versions"


def root(generation: Generation, *, anew: bool = False) -> Path:
    """The root file system of a generation, built where it is not there yet.

    Raises:
        NotBuiltError: debootstrap failed, with its last words.
    """
    place = cache() / generation.suite
    wanted = " ".join(PACKAGES) + "\n"
    built = place / _BUILT
    if not anew and built.exists() and built.read_text() == wanted:
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place it will have, so that it appears there whole or not at all.
    with tempfile.TemporaryDirectory(prefix=f"{generation.suite}-", dir=place.parent) as scratch:
        new = Path(scratch) / "root"
        _bootstrap(generation, new)
        (new / _BUILT).write_text(wanted)
        if place.exists():
            shutil.rmtree(place)
        new.rename(place)
    return place


def mirrors() -> tuple[str, ...]:
    """The mirror to build from: POLC_DEBIAN_MIRROR, or the one that this machine's apt uses.

    None where apt knows none of Debian's (as on Ubuntu): debootstrap has one of its own.
    """
    own = os.environ.get("POLC_DEBIAN_MIRROR")
    if own:
        return (own,)
    debian = ("Identifier: Packages", "Origin: Debian", "Label: Debian")
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", *debian], capture_output=True, text=True
        )
    except FileNotFoundError:
        return ()
    found = (line for line in done.stdout.splitlines() if line.startswith(("http://", "https://", "file:")))
    return tuple(found)[:1]


def _bootstrap(generation: Generation, place: Path) -> None:
    included = f"--include={','.join(PACKAGES)}"
    # What it mounts there goes with it, however it ends.
    argv = [
        "unshare",
        "--mount",
        "debootstrap",
        "--variant=minbase",
        included,
        generation.suite,
        str(place),
        *mirrors(),
    ]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=LONGEST, env=environment()
        )
    except subprocess.TimeoutExpired:
        raise NotBuiltError(f"debootstrap took more than {LONGEST} seconds") from None
    if done.returncode != 0:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        log = place / "debootstrap" / "debootstrap.log"
        details = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        raise NotBuiltError("; ".join((said[-1] if said else f"status {done.returncode}", *details)))


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
