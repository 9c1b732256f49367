"""``-j TCPMSS`` gives a SYN without the option one, which no other tool does: that much of it is not kept."""

from __future__ import annotations

from polc.diagnostics import Collector, Diagnostic, Label, Severity
from polc.importers.iptables.draft import Ask, Draft
from polc.importers.iptables.state import Table
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch
from polc.ir.statements import ClampMss

_CODE = "POL522"


def check_segment_sizes(table: Table, collector: Collector) -> None:
    """Tells of the first rule of a table that would give the option to a SYN without it, and how many do."""
    found = [rule for chain in table.chains.values() for rule in chain.rules if _adds(rule)]
    if not found:
        return
    span = found[0].origin.span
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    collector.add(
        Diagnostic(
            _CODE,
            f"a SYN that has no maximum segment size gets one from this rule{more} in iptables, and none here",
            (Label(span),) if span else (),
            severity=Severity.WARNING,
        )
    )


def _adds(rule: Draft) -> bool:
    """xt_TCPMSS.c, tcpmss_mangle_packet; a rule that has asked for the option's value is met by none without it."""
    clamps = any(isinstance(one, ClampMss) for one in rule.statements)
    return clamps and not any(_asks(one) for one in rule.asks)


def _asks(ask: Ask) -> bool:
    return isinstance(ask, FieldMatch) and ask.field is Field.TCP_MSS
