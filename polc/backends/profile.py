"""What the kernel and the tools of a host can do: outputs are written for one such profile."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.features import Feature, Version
from polc.backends.requirements import REQUIREMENTS, Requirement

HOST = "host"
"""The name of the profile that is measured, not looked up."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Versions of nft, of iptables and of the kernel, oldest that the output has to suit.

    ``present`` and ``absent`` say more than the versions: what was found there by trying, or what a
    distribution added or left out.
    """

    name: str
    nft: Version
    iptables: Version
    kernel: Version
    present: frozenset[Feature] = frozenset()
    absent: frozenset[Feature] = frozenset()

    def has(self, feature: Feature) -> bool:
        if feature in self.present or feature in self.absent:
            return feature in self.present
        return not self._too_old(REQUIREMENTS[feature])

    def lacks(self, feature: Feature) -> tuple[str, str]:
        """The reason to refuse what takes ``feature``, and a help: which profile has it."""
        needed = REQUIREMENTS[feature]
        old = [] if feature in self.absent else self._too_old(needed)
        # What JSON lacks, the text of the same nft has.
        text = "`--format text`, or " if feature.value.endswith("-json") else ""
        if self.name == HOST:
            return f"this host has no {needed.what}", text + _needed(needed)
        who = f"{' with '.join(old)} (profile `{self.name}`)" if old else f"`{self.name}`"
        able = next((one.name for one in PROFILES.values() if one.has(feature)), _spelled(needed))
        return f"{who} has no {needed.what}", f"{text}`--for {able}` where that is the host"

    def _too_old(self, needed: Requirement) -> list[str]:
        parts = (
            ("nft", self.nft, needed.nft),
            ("iptables", self.iptables, needed.iptables),
            ("Linux", self.kernel, needed.kernel),
        )
        return [f"{part} {dotted(there)}" for part, there, since in parts if since is not None and _older(there, since)]


def _older(one: Version, other: Version) -> bool:
    """``6`` is as new as ``6.0``."""
    length = max(len(one), len(other))
    return (*one, *(0,) * (length - len(one))) < (*other, *(0,) * (length - len(other)))


def _needed(needed: Requirement) -> str:
    parts = (("nft", needed.nft), ("iptables", needed.iptables), ("Linux", needed.kernel))
    newer = " and ".join(f"{part} {dotted(version)}" for part, version in parts if version is not None)
    return f"it takes {f'{newer} or newer' if newer else f'a kernel with {needed.source}'}"


def _spelled(needed: Requirement) -> str:
    parts = (("nft", needed.nft), ("iptables", needed.iptables), ("kernel", needed.kernel))
    return ",".join(f"{part}={dotted(version)}" for part, version in parts if version is not None)


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


PROFILES: dict[str, Profile] = {
    one.name: one
    for one in (
        Profile("debian-11", (0, 9, 8), (1, 8, 7), (5, 10)),
        Profile("ubuntu-22.04", (1, 0, 2), (1, 8, 7), (5, 15)),
        Profile("debian-12", (1, 0, 6), (1, 8, 9), (6, 1)),
        Profile("rhel-9", (1, 0, 9), (1, 8, 10), (5, 14)),
        Profile("ubuntu-24.04", (1, 0, 9), (1, 8, 10), (6, 8)),
        Profile("debian-13", (1, 1, 3), (1, 8, 11), (6, 12)),
    )
}
"""The hosts that have a name, oldest nft first."""

OLDEST = PROFILES["debian-11"]
"""What is written for where nobody says otherwise."""
