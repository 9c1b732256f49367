"""Rulesets of one tool for another, or as a policy, with what became of each rule."""
