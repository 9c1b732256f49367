"""Lifting in tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import import_all, import_both
from law import keeps_the_law

from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.lift import Lifted, lift
from polc.simulate import Flavour


def lifted(*texts: str, family: Family = Family.IP) -> Lifted:
    """The policy of the one ruleset that files of iptables are; it keeps the law."""
    (ruleset,), _ = import_all(*texts, family=family)
    return sound(ruleset)


def of_both(ip: str, ip6: str, *sets: str) -> Lifted:
    """The same of files of both families."""
    (ruleset,), _ = import_both(ip, ip6, *sets)
    return sound(ruleset)


def sound(ruleset: Ruleset) -> Lifted:
    policy = lift(ruleset)
    assert not policy.refused, [one.message for one in policy.refused]
    keeps_the_law(ruleset, policy, flavour=Flavour.IPTABLES)
    return policy


def block(text: str, name: str) -> list[str]:
    """The lines below a key of the policy, without their margin."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        if line and not line.startswith(" "):
            inside = line == f"{name}:"
        elif inside and line:
            found.append(line)
    return [line.strip() for line in found]


def listed(text: str, name: str) -> list[str]:
    """The rules of a section, of a chain, or of a list of hooks, as they are written."""
    return [line[2:] for line in block(text, name) if line.startswith("- ")]
