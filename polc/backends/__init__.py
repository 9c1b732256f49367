"""Targets: a ruleset becomes files that the target's own tools load."""
