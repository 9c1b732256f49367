"""The generations of Debian, each a root file system that debootstrap(8) builds once.

A generation that is not here yet is one line of ``GENERATIONS``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polc.backends.profile import OLDEST, PROFILES, Profile
from polc.kernel.netns import environment


@dataclass(frozen=True, slots=True)
class Generation:
    """``suite`` is what Debian's archive calls it, ``profile`` is its own."""

    suite: str
    profile: Profile

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those whose outputs it has to take: what is written where nobody names a profile, and for its own."""
        return tuple(dict.fromkeys((OLDEST, self.profile)))


GENERATIONS = (
    Generation("bullseye", PROFILES["debian-11"]),
    Generation("bookworm", PROFILES["debian-12"]),
    Generation("trixie", PROFILES["debian-13"]),
    Generation("sid", PROFILES["debian-13"]),
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


def root(generation: Generation, *, anew: bool = False, named: str = "", packages: Sequence[str] = ()) -> Path:
    """The root file system of a generation, built where it is not there yet; ``packages`` (``PACKAGES`` where none is
    named) are what it has, and ``named`` is its name in the cache, if not the suite's.

    Raises:
        NotBuiltError: debootstrap failed, with its last words.
    """
    packages = packages or PACKAGES
    place = cache() / (named or generation.suite)
    wanted = " ".join(packages) + "\n"
    built = place / _BUILT
    if not anew and built.exists() and built.read_text() == wanted:
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place it will have, so that it appears there whole or not at all.
    with tempfile.TemporaryDirectory(prefix=f"{generation.suite}-", dir=place.parent) as scratch:
        new = Path(scratch) / "root"
        _bootstrap(generation, new, packages)
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


def _bootstrap(generation: Generation, place: Path, packages: Sequence[str]) -> None:
    included = f"--include={','.join(packages)}"
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
