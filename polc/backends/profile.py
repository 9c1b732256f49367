"""What the kernel and the tools of a host can do: outputs are written for one such profile."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.features import REQUIREMENTS, Feature, Version


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
        return not any(self._too_old(feature))

    def _too_old(self, feature: Feature) -> list[str]:
        """The parts of the host that are older than the feature, as words."""
        needed = REQUIREMENTS[feature]
        parts = (
            ("nft", self.nft, needed.nft),
            ("iptables", self.iptables, needed.iptables),
            ("Linux", self.kernel, needed.kernel),
        )
        return [f"{part} {dotted(there)}" for part, there, since in parts if since is not None and there < since]

    def lacks(self, feature: Feature) -> tuple[str, str]:
        """Why a rule that takes ``feature`` is refused, and which profiles have it: reason and help of a diagnostic."""
        what = REQUIREMENTS[feature].what
        old = self._too_old(feature) if feature not in self.absent else []
        who = f"{' with '.join(old)} (profile `{self.name}`)" if old else f"`{self.name}`"
        able = [one.name for one in PROFILES.values() if one.has(feature)]
        return f"{who} has no {what}", f"`--for {able[0]}` has them, where that is the host" if able else ""


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


PROFILES: dict[str, Profile] = {
    one.name: one
    for one in (
        Profile("debian-11", (0, 9, 8), (1, 8, 7), (5, 10)),
        Profile("ubuntu-22.04", (1, 0, 2), (1, 8, 7), (5, 15)),
        Profile("rhel-9", (1, 0, 9), (1, 8, 10), (5, 14)),
        Profile("debian-12", (1, 0, 6), (1, 8, 9), (6, 1)),
        Profile("ubuntu-24.04", (1, 0, 9), (1, 8, 10), (6, 8)),
        Profile("debian-13", (1, 1, 3), (1, 8, 11), (6, 12)),
    )
}
"""The hosts that have a name."""

OLDEST = PROFILES["debian-11"]
"""What is written for where nobody says otherwise."""
