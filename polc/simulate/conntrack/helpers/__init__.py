"""Helpers: they read what a flow says, and expect the flows that it speaks of.

Nothing is read of a flow to which no rule has attached a helper (since Linux 6.0 none attaches itself).
"""
