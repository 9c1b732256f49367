"""Whose words a ruleset is loaded with."""

from __future__ import annotations

from enum import Enum


class Flavour(Enum):
    """Limits, accounting, helpers and full sets differ between the two. The values are the names of the targets."""

    NFT = "nft"
    IPTABLES = "iptables"
