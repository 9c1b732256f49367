"""What the kernel and the tools of a host can do: outputs are written for one such profile."""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Versions of nft, of iptables and of the kernel, oldest that the output has to suit."""

    name: str
    nft: Version
    iptables: Version
    kernel: Version


OLDEST = Profile("debian-11", (0, 9, 8), (1, 8, 7), (5, 10))
"""What is written for where nobody says otherwise."""
