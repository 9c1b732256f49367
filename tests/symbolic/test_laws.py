"""What the kernel itself makes sure of, as the symbolic engine has it and as the simulator has it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from polc.diagnostics import Collector
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.policy.read import inspect_source
from polc.simulate.conntrack.tcp import are_valid
from polc.simulate.ways import class_of
from polc.source import SourceFile
from polc.symbolic.atoms import Bits
from polc.symbolic.clock import at_time
from polc.symbolic.diagram import NONE
from polc.symbolic.segments import of_flows, sent_as
from polc.symbolic.services import of_services
from polc.symbolic.space import Space

EACH = Bits.of(0xFF, ((0xFF, one) for one in range(256)))
SYN, ACK, RST = 2, 16, 4


def test_flags_of_flows() -> None:
    """Both have the kernel's table, and neither has it from the other."""
    allowed = of_flows(EACH, first=False)
    assert [EACH.place[one] in allowed for one in range(256)] == [are_valid(one) for one in range(256)]
    first = of_flows(EACH, first=True)
    for flags in range(256):
        answer = flags & SYN and flags & ACK
        assert (EACH.place[flags] in first) is (are_valid(flags) and not answer)


def test_a_class_is_sent_as_what_conntrack_takes() -> None:
    bits = Bits.of(0xFF, [(SYN, SYN), (ACK, ACK)])
    for place in range(len(bits.values)):
        sent = sent_as(bits, place)
        assert bits.place[sent] == place
        assert are_valid(sent), "a reset has none of both, and is valid"
    odd = Bits.of(0xFF, [(SYN | 1, SYN | 1)])
    assert sent_as(odd, odd.place[SYN | 1]) == SYN | 1, "where there is none, any will do"


def space_of(rules: str) -> Space:
    text = f"polc: 1\nforward: {{default: drop, rules: [{rules}]}}\n"
    return Space(Family.IP, (inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset,))


def test_classes_of_services() -> None:
    space = space_of("accept where ip dscp 1 and meta priority 0:6")
    dscp = space.field(Field.IP_DSCP)
    given = dict(of_services(space))
    for value in range(64):
        one = space.within(dscp, value)
        assert [at for at, members in given.items() if space.manager.where(one, members) != NONE] == [class_of(value)]


@pytest.mark.parametrize(("hour", "minute", "lasts", "hit", "missed"), [
    (10, 0, 900, ("10:00-10:15", "10:14-12:00"), ("10:16-12:00", "00:00-09:59")),
    (23, 55, 900, ("23:55-23:59", "00:00-00:09"), ("00:11-23:54",)),
])  # fmt: skip
def test_times_of_day(hour: int, minute: int, lasts: int, hit: tuple[str, ...], missed: tuple[str, ...]) -> None:
    def seconds(text: str) -> int:
        hours, _, minutes = text.partition(":")
        return int(hours) * 3600 + int(minutes) * 60

    space = space_of("accept where meta hour 10:00-11:00 and meta day friday")
    clock, day = space.field(Field.META_HOUR), space.field(Field.META_DAY)
    # A Thursday.
    begin = datetime(2026, 11, 26, hour, minute, tzinfo=UTC).timestamp()
    now = at_time(space, begin, lasts)
    assert now is not None
    for texts, wanted in ((hit, True), (missed, False)):
        for text in texts:
            low, _, high = text.partition("-")
            members = space.within(clock, seconds(low), seconds(high))
            assert (space.manager.where(now, members) != NONE) is wanted, text
    days = [one for one in range(7) if space.manager.where(now, space.within(day, one)) != NONE]
    assert days == ([4] if hour == 10 else [4, 5])
    assert at_time(space_of("accept tcp/1"), begin, lasts) is None
