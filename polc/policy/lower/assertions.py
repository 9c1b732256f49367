"""Assertions to the classes of packets that they speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from polc.diagnostics import Collector, Failure
from polc.ir.matches import CtState
from polc.ir.way import Way
from polc.policy.assertion import Asserted, Claim, Comparison, Quantity, Verb
from polc.policy.assertion_text import read_assertions
from polc.policy.lower.classes import BEGINNING, OUTSIDE, Names, Packets, lower_class
from polc.policy.read import Inspection


class Meant(NamedTuple):
    """An assertion, and the packets that it speaks of; None: all there are."""

    asserted: Asserted
    packets: Packets | None


def assertions_of(inspected: Inspection) -> tuple[Meant, ...]:
    """Those of a policy and its includes. Raises as ``read_assertions`` and ``lower_assertions``."""
    names = Names(inspected.symbols, inspected.settings)
    return lower_assertions(read_assertions(inspected.merged.assertions), names)


def lower_assertions(asserted: Iterable[Asserted], names: Names) -> tuple[Meant, ...]:
    """What assertions mean, where ``names`` are those of the firewall.

    Raises:
        Failure: with all that is wrong in any of them: POL070, and as for rules.
    """
    found: list[Meant] = []
    collector = Collector()
    for one in asserted:
        try:
            found.append(Meant(one, _packets(one, names)))
        except Failure as failure:
            collector.diagnostics += failure.diagnostics
    collector.raise_if_errors()
    return tuple(found)


def _packets(asserted: Asserted, names: Names) -> Packets | None:
    match asserted.assertion:
        case Claim(quantity, verb, packets, _):
            ways = (Way.FORWARD,) if verb is Verb.FORWARD else tuple(Way)
            return lower_class(packets, names, states=_states(quantity, verb), ways=ways)
        case Comparison(packets=packets):
            return lower_class(packets, names) if packets else None


def _states(quantity: Quantity, verb: Verb) -> CtState:
    """Where an assertion names no state: of what must not pass, all that is of no connection; else what begins one."""
    passes = verb in (Verb.ACCEPT, Verb.FORWARD)
    kept_out = quantity is Quantity.NEVER if passes else verb is Verb.DROP and quantity is not Quantity.NEVER
    return OUTSIDE if kept_out else BEGINNING
