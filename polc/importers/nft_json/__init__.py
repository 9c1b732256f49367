"""Rulesets of nft as JSON (libnftables-json(5)) to IR: listings (``nft -j list ruleset``) and commands alike."""
