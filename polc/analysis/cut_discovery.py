"""POL304: a closed chain without the ICMPv6 that IPv6 cannot work without."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, filter_chain, takes_icmp_type
from polc.analysis.walk import walk
from polc.diagnostics import Diagnostic
from polc.ir.family import Family
from polc.ir.protocols import ICMP_TYPES, ICMPV6
from polc.ir.ruleset import Hook
from polc.ir.verdicts import Accept
from polc.policy.read import Inspection

# RFC 4861: neighbours are found by these two; RFC 8201: no router fragments, so senders must hear of small links.
_NEEDED: dict[Hook, tuple[str, ...]] = {
    Hook.INPUT: ("nd-neighbor-solicit", "nd-neighbor-advert", "packet-too-big"),
    Hook.FORWARD: ("packet-too-big",),
    Hook.OUTPUT: ("nd-neighbor-solicit", "nd-neighbor-advert"),
}


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    if Family.IP6 not in policy.settings.families:
        return
    for hook, needed in _NEEDED.items():
        chain = filter_chain(policy.ruleset, hook)
        if chain is None or not closed(policy.ruleset, chain):
            continue
        accepting = [step.whole for step in walk(policy.ruleset, chain) if isinstance(step.rule.verdict, Accept)]
        missing = [
            name
            for name in needed
            if not any(takes_icmp_type(rule, ICMPV6, ICMP_TYPES[ICMPV6][name]) for rule in accepting)
        ]
        if missing:
            yield warning(
                "POL304",
                f"`{chain.name}` cuts off IPv6: nothing accepts icmpv6 {', '.join(f'`{name}`' for name in missing)}",
                chain.origin.span,
                help="add `use icmp-essentials`",
            )


LINT = Lint("POL304", _check)
