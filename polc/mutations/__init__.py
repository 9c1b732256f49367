"""Rulesets with one deliberate fault each, such as a compiler could make: what checks are to see."""
