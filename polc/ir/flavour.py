"""Whose words a ruleset is loaded with."""

from __future__ import annotations

from enum import Enum


class Flavour(Enum):
    """Limits, accounting, helpers and full sets differ between the two."""

    NFT = "nft"
    IPTABLES = "iptables"
