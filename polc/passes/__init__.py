"""Rewrites of a ruleset, one a file; ``pipeline`` lists them in their order."""
