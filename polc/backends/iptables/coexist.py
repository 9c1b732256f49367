"""A policy's own chains beside the rules of others (``--layout coexist``): what they are called, and who calls them.

An own chain stands behind what others have in the built-in one: a jump that is there stays where it is, and a new one
comes last. Where the policy's default is drop, the own chain ends with that; where it is accept, the packet goes back
to the built-in chain, whose policy is not ours. A return to the default of a chain that drops must not get past its
end, so then its rules stand in a chain of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.iptables.extensions.words import Refused
from polc.backends.iptables.names import own_prefix
from polc.backends.iptables.tables import Place
from polc.ir.ruleset import BaseChain, Rule
from polc.ir.statements import Native, OpaqueStatement
from polc.ir.verdicts import Drop, leaves

NOTE = "for --noflush, beside the rules of others: chains that begin with "
_OF_OTHERS = frozenset({"docker", "f2b", "ufw", "ufw6", "kube", "cali", "cni", "libvirt", "nm", "podman", "netavark"})
"""How the names of other programs' chains begin."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of chains; without a ``prefix`` the files hold whole tables."""

    prefix: str = ""

    @property
    def beside(self) -> bool:
        return bool(self.prefix)

    def calls(self, at: Place) -> str:
        """The chain that the kernel's own one calls, or that one."""
        return self.prefix + at.chain


def beside(table: str) -> Layout:
    """
    Raises:
        Refused: chains would be taken for another program's.
    """
    prefix = own_prefix(table)
    if prefix[:-1].casefold() in _OF_OTHERS:
        raise Refused("coexist-name", f"chains that begin with `{prefix}` are another program's", "another table name")
    return Layout(prefix)


def note(layout: Layout) -> str:
    """What a file says at its top, and by which it is known again."""
    return f"{NOTE}{layout.prefix}"


def is_needed(chain: BaseChain) -> bool:
    return bool(chain.rules) or isinstance(chain.policy, Drop)


def returns(chain: BaseChain) -> bool:
    """Whether a packet may come back from a chain before its end."""
    return any(_returns(rule) for rule in chain.rules)


def _returns(rule: Rule) -> bool:
    return leaves(rule.verdict) or any(isinstance(one, Native | OpaqueStatement) for one in rule.statements)
