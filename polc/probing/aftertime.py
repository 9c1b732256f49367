"""What rules do that count: packets until they have had enough, and one more once time has gone by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from polc.ir.family import Family
from polc.ir.matches import Match, SetMatch
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import Amount, Connections, EveryNth, Hits, KeyField, Limit, Quota, RecentMatch, RecentVerb
from polc.simulate.packet import Packet

_SLACK = 1.1
_TICKS = 0.1
"""Seconds in which sets and lists look at the clock."""

TOO_MANY = "used up"
BY_AND_BY = "used up by and by"
SOMEBODY_ELSE = "used up by somebody else"
AGAIN = "after a wait"


def more_until_enough(matches: Sequence[Match], length: int) -> int | None:
    """How many more packets it takes, behind one that a rule met, until it meets none any more; None: it does not stop.
    ``length`` is that of the packets in bytes.
    """
    found: list[int] = []
    for match in matches:
        match match:
            case Limit(burst=burst, over=False, rate=rate):
                found.append(burst if rate.amount is Amount.PACKETS else burst // length)
            case Quota(bytes=most, over=False):
                found.append(most // length)
            case Connections(count=count, over=False):
                found.append(count)
            case EveryNth(every=every) if every > 1:
                # The next turn is another rule's.
                found.append(1)
            case _:
                pass
    return min(found, default=None)


def filled_after(matches: Sequence[Match]) -> float:
    """Seconds after which whatever a rule's limits let through is there again, all of it; 0: nothing has to be."""
    limits = [one for one in matches if isinstance(one, Limit)]
    return max((one.burst / one.rate.per_second * _SLACK + _TICKS for one in limits), default=0.0)


def others(matches: Sequence[Match], packet: Packet) -> Iterator[Packet]:
    """The packet from, or to, somebody else for whom a rule counts by itself."""
    for match in matches:
        if isinstance(match, Limit | Connections) and match.key:
            for part in match.key[:1]:
                length = part.ip_length if packet.family is Family.IP else part.ip6_length
                bit = 1 << packet.family.bits - length if length else 0
                match part.field:
                    case KeyField.SOURCE:
                        yield replace(packet, saddr=packet.saddr ^ bit)
                    case KeyField.DESTINATION:
                        yield replace(packet, daddr=packet.daddr ^ bit)
                    case KeyField.SPORT if packet.sport:
                        yield replace(packet, sport=packet.sport ^ 1)
                    case KeyField.DPORT if packet.dport:
                        yield replace(packet, dport=packet.dport ^ 1)
                    case _:
                        pass


def waits(rule: Rule, ruleset: Ruleset) -> Iterator[tuple[float, str]]:
    """After how many seconds each match of a rule that remembers packets has forgotten enough of them, and what it is
    that takes so long.
    """
    timeouts = {one.name: one.timeout for one in ruleset.sets}
    for match in rule.matches:
        match match:
            case Limit(rate=rate):
                yield _SLACK / rate.per_second + _TICKS, f"a rate of {rate.count} in {rate.unit.value} s"
            case Hits(window=window):
                yield window * _SLACK + _TICKS, f"a window of {window} s"
            case RecentMatch(verb=RecentVerb.RCHECK | RecentVerb.UPDATE, seconds=int() as seconds):
                yield seconds * _SLACK + _TICKS, f"a window of {seconds} s"
            case SetMatch(set_name=name) if timeouts.get(name):
                timeout = timeouts[name] or 0
                yield timeout * _SLACK + 1, f"a timeout of {timeout} s"
            case _:
                pass
