"""Rulesets, imported or compiled, to policies that a person would have written: zones from interfaces, groups from
sets of addresses, services from ports, macros where rules are theirs. Compiled again they do the same.
"""

from __future__ import annotations

from polc.lift.counters import is_counted, uncounted
from polc.lift.lift import lift
from polc.lift.model import Lifted, NativeRule

__all__ = ["Lifted", "NativeRule", "is_counted", "lift", "uncounted"]
