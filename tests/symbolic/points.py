"""The hooks at which packets are tried."""

from __future__ import annotations

from polc.ir.ruleset import IP_HOOKS, Hook
from polc.symbolic.hooks import Hooks


def hooks_with_chains(hooks: Hooks) -> list[Hook]:
    """Those of the usual hooks at which any chain stands."""
    return [hook for hook in IP_HOOKS if hooks.base_chains(hook)]
