"""When two rules of xt_recent are one count of hits: held to a model of the kernel's lists, packet by packet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importing import rules, ruleset, table

from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, CtStateMatch, PortTerm, ServiceMatch
from polc.ir.ruleset import Rule
from polc.ir.stateful import Hits, KeyField, KeyPart, RecentMatch, RecentVerb
from polc.ir.verdicts import Accept, Drop

GUARD = "-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW"
SET = f"{GUARD} -m recent --set --name SSH --rsource"
UPDATE = f"{GUARD} -m recent --update --seconds 100 --hitcount 10 --name SSH --rsource -j DROP"
RCHECK = f"{GUARD} -m recent --rcheck --seconds 100 --hitcount 10 --name SSH --rsource -j DROP"
SOURCE = KeyPart(KeyField.SOURCE)
ASKED = (ServiceMatch((PortTerm(6, None, Intervals.single(22)),)), CtStateMatch(CtState.NEW))


def test_the_rules_of_the_question() -> None:
    (rule,) = rules(SET, UPDATE)
    assert rule.matches == (*ASKED, Hits(10, 100, SOURCE, True, "SSH"))
    assert rule.verdict == Drop()
    assert rule.origin.span is not None
    assert rule.origin.span.line == 3


def test_comments_of_both_are_kept() -> None:
    def commented(line: str, comment: str) -> str:
        return line.replace(" -m recent", f" -m comment --comment {comment} -m recent")

    (rule,) = rules(commented(SET, "seen"), commented(UPDATE, "blocked"))
    assert rule.origin.comment == "seen; blocked"
    (rule,) = rules(commented(SET, "guard"), commented(UPDATE, "guard"))
    assert rule.origin.comment == "guard"


def test_without_refresh() -> None:
    (rule,) = rules(SET, RCHECK)
    assert rule.matches[-1] == Hits(10, 100, SOURCE, False, "SSH")


def test_the_other_way_round_it_is_one_more() -> None:
    first, second = rules(UPDATE, f"{SET} -j ACCEPT")
    assert first.matches == (*ASKED, Hits(11, 100, SOURCE, False, "SSH"))
    assert (second.matches, second.verdict) == (ASKED, Accept())


def primitives(*lines: str) -> list[RecentMatch]:
    found = ruleset(table(*lines))
    matches = [match for chain in found.chains for rule in chain.rules for match in rule.matches]
    assert not any(isinstance(match, Hits) for match in matches)
    return [match for match in matches if isinstance(match, RecentMatch)]


@pytest.mark.parametrize(
    "lines",
    [
        # Others ask the list, too, so that who is on it is not told by these two.
        (SET, f"{UPDATE[:-5]} LOG", UPDATE),
        (SET, UPDATE, "-A FORWARD -m recent --rcheck --name SSH -j DROP"),
        # What reaches the first does not reach the second alone.
        (SET.replace("--dport 22", "--dport 23"), UPDATE),
        (SET.replace(" -m state --state NEW", ""), UPDATE),
        (SET, "-A INPUT -s 192.0.2.1 -j ACCEPT", UPDATE),
        (f"{SET} -j ACCEPT", UPDATE),
        (f"{GUARD} -m limit -m recent --set --name SSH", UPDATE),
        # Other lists, other keys, other questions.
        (SET.replace("SSH", "OTHER"), UPDATE),
        (SET.replace("rsource", "rdest"), UPDATE),
        (f"{SET} --mask 255.255.255.0", UPDATE),
        (SET, UPDATE.replace("--seconds 100 ", "")),
        (SET, UPDATE.replace("--hitcount 10 ", "")),
        (SET, f"{UPDATE[:-7]}--rttl -j DROP"),
        (SET, f"{UPDATE[:-7]}--reap -j DROP"),
        (SET.replace("--set", "! --set"), UPDATE),
        # The packet that matches is not recorded by `--rcheck`, and goes on to `--set` after `-j LOG`.
        (RCHECK, f"{SET} -j ACCEPT"),
        (UPDATE.replace("DROP", "LOG"), SET),
    ],
)
def test_what_is_not_the_same(lines: tuple[str, ...]) -> None:
    assert len(primitives(*lines)) >= 2


def test_ends_of_what_a_count_holds() -> None:
    (rule,) = rules(SET, UPDATE.replace("hitcount 10", "hitcount 255"))
    assert rule.matches[-1] == Hits(255, 100, SOURCE, True, "SSH")
    assert len(primitives(UPDATE.replace("hitcount 10", "hitcount 255"), SET)) == 2


def _kernel(rows: Sequence[Rule], packets: Sequence[tuple[int, int]]) -> list[bool]:
    """Which packets (time and source) end with a drop, by the rules of net/netfilter/xt_recent.c, recent_mt."""
    lists: dict[tuple[str, int], list[int]] = {}
    dropped = []
    for now, source in packets:
        verdict = None
        for row in rows:
            match = row.matches[-1]
            holds = True
            if isinstance(match, RecentMatch):
                stamps = lists.get((match.name, source))
                holds = match.verb is RecentVerb.SET
                if match.verb is not RecentVerb.SET and stamps is not None and match.seconds is not None:
                    hits = sum(stamp >= now - match.seconds for stamp in stamps)
                    holds = hits >= (match.hits or 1)
                if match.verb is RecentVerb.SET or (match.verb is RecentVerb.UPDATE and holds):
                    lists.setdefault((match.name, source), []).append(now)
            if holds and row.verdict is not None:
                verdict = row.verdict
                break
        dropped.append(isinstance(verdict, Drop))
    return dropped


def _meaning(hits: Hits, packets: Sequence[tuple[int, int]]) -> list[bool]:
    """Which packets a count holds for, by its docstring."""
    records: dict[int, list[int]] = {}
    found = []
    for now, source in packets:
        own = records.setdefault(source, [])
        own.append(now)
        holds = sum(stamp >= now - hits.window for stamp in own) >= hits.count
        if holds and hits.refresh:
            own.append(now)
        found.append(holds)
    return found


PACKETS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 2)), max_size=40)


@given(PACKETS, st.integers(1, 5), st.integers(1, 9), st.sampled_from(["set update", "set rcheck", "update set"]))
def test_both_are_the_same_to_every_packet(steps: list[tuple[int, int]], hits: int, seconds: int, order: str) -> None:
    ask = f"--seconds {seconds} --hitcount {hits} --name L -j DROP"
    lines = {
        "set update": ("-m recent --set --name L", f"-m recent --update {ask}"),
        "set rcheck": ("-m recent --set --name L", f"-m recent --rcheck {ask}"),
        "update set": (f"-m recent --update {ask}", "-m recent --set --name L -j ACCEPT"),
    }[order]
    one = "-A INPUT -m recent --rcheck --name L"
    primitive = [rule for rule in rules(*(f"-A INPUT {line}" for line in lines), one) if rule.matches][:2]
    assert all(isinstance(rule.matches[-1], RecentMatch) for rule in primitive)
    counted = rules(*(f"-A INPUT {line}" for line in lines))
    (match,) = [rule.matches[-1] for rule in counted if rule.matches]
    assert isinstance(match, Hits)
    now = 0
    packets = []
    for step, source in steps:
        now += step
        packets.append((now, source))
    assert _kernel(primitive, packets) == _meaning(match, packets)
