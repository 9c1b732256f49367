"""All lints, in the order of their codes."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis import (
    counts_established,
    cut_discovery,
    cut_loopback,
    cut_replies,
    default_size,
    empty_lists,
    fails_open,
    helper_unattached,
    keeps_for_good,
    lock_out,
    log_flood,
    never_reached,
    related_alone,
    unused_names,
)
from polc.analysis.model import Lint
from polc.diagnostics import Diagnostic
from polc.policy.read import Inspection

LINTS: tuple[Lint, ...] = (
    counts_established.LINT,
    cut_replies.LINT,
    cut_loopback.LINT,
    cut_discovery.LINT,
    never_reached.LINT,
    lock_out.LINT,
    related_alone.LINT,
    fails_open.LINT,
    unused_names.LINT,
    keeps_for_good.LINT,
    default_size.LINT,
    log_flood.LINT,
    helper_unattached.LINT,
    empty_lists.LINT,
)


def findings(policy: Inspection) -> Iterator[Diagnostic]:
    """What the lints find in a policy."""
    for lint in LINTS:
        yield from lint.check(policy)
