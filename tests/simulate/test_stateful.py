"""What rules remember: buckets, hits, lists, connections, quotas, turns, sets. Numbers as the kernel reckons them."""

from __future__ import annotations

import pytest
from build import base, one, rule, source, table, tcp
from play import Play

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch, Match, SetMatch, Side
from polc.ir.ruleset import DynamicSet, Hook, Ruleset
from polc.ir.selectors import KeyType, Transport
from polc.ir.stateful import (
    Amount,
    Connections,
    EveryNth,
    Hits,
    KeyField,
    KeyPart,
    Limit,
    Quota,
    RandomMatch,
    Rate,
    RecentMatch,
    RecentVerb,
    Unit,
)
from polc.ir.statements import SetOperation, UpdateSet
from polc.ir.verdicts import Accept, Drop
from polc.simulate import Fate, Flavour, Settings
from polc.simulate.buckets import NftBucket, TickBucket
from polc.simulate.memory import RecentList

SOURCE = KeyPart(KeyField.SOURCE)
SECOND = 1_000_000_000


def guarded(*parts: Match) -> Ruleset:
    """Accept what meets the parts, in input; drop the rest."""
    return table(base(Hook.INPUT, rule(*parts, Accept()), policy=Drop()))


def syn(number: int = 9, port: int = 80, sport: int = 4000) -> str:
    return f"tcp 198.51.100.{number}:{sport} -> host:{port} in eth0"


def taken(play: Play, *steps: str | float) -> str:
    """``+`` for each step that is accepted, ``-`` for others, ``?`` for what is not known; numbers are waits."""
    marks = {Fate.ACCEPT: "+", Fate.DROP: "-", Fate.UNKNOWN: "?"}
    found = ""
    for step in steps:
        if isinstance(step, str):
            found += marks[play.send(step).fate]
        else:
            play.simulator.wait(step)
    return found


def packets(count: int, words: str = "udp 198.51.100.9:1 -> host:53 in eth0") -> list[str]:
    return [words] * count


# Limits


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize("key", [(), (SOURCE,)])
def test_a_bucket_is_full_at_first_and_refills_evenly(flavour: Flavour, key: tuple[KeyPart, ...]) -> None:
    play = Play(guarded(Limit(Rate(10, Unit.MINUTE), 3, False, key, "l")), flavour=flavour)
    assert taken(play, *packets(5)) == "+++--"
    assert taken(play, 5.9, *packets(1), 0.2, *packets(2)) == "-+-"
    assert taken(play, 3600.0, *packets(5)) == "+++--"


def test_an_over_limit_holds_without_a_token() -> None:
    for flavour in Flavour:
        play = Play(guarded(Limit(Rate(1, Unit.HOUR), 2, True, (), "l")), flavour=flavour)
        assert taken(play, *packets(4)) == "--++"


def test_each_key_has_a_bucket_cut_to_its_prefix() -> None:
    limit = Limit(Rate(1, Unit.HOUR), 1, False, (KeyPart(KeyField.SOURCE, 24, 64),), "l")
    for flavour in Flavour:
        play = Play(guarded(limit), flavour=flavour)
        steps = [f"udp {one}:1 -> host:53 in eth0" for one in ("198.51.100.9", "198.51.100.8", "198.51.99.9")]
        six = [f"udp [2001:db8:9:{one}::1]:1 -> host:53 in eth0" for one in ("1", "1", "2")]
        assert taken(play, *steps, *six) == "+-++-+"


def test_limits_of_one_table_share_their_buckets() -> None:
    shared = Limit(Rate(1, Unit.HOUR), 2, False, (SOURCE,), "l")
    play = Play(table(base(Hook.INPUT, rule(tcp(80), shared, Accept()), rule(shared, Accept()), policy=Drop())))
    assert taken(play, syn(), syn(port=81), syn(port=82)) == "++-"


def test_a_limit_of_bytes() -> None:
    limit = Limit(Rate(1000, Unit.SECOND, Amount.BYTES), 2000, False, (), "l")
    big = "udp 198.51.100.9:1 -> host:53 in eth0 length 800"
    assert taken(Play(guarded(limit)), big, big, big, 0.3, big, 0.2, big) == "++--+"


def test_hashlimit_counts_bytes_in_chunks_of_a_second() -> None:
    """xt_hashlimit.c: one second of credit, refilled at once as often as the burst says."""
    limit = Limit(Rate(1000, Unit.SECOND, Amount.BYTES), 2000, False, (SOURCE,), "l")
    big = "udp 198.51.100.9:1 -> host:53 in eth0 length 800"
    assert taken(Play(guarded(limit), flavour=Flavour.IPTABLES), big, big, big, 1.0, big) == "++-+"


def test_nft_counts_nanoseconds_and_xt_limit_ticks() -> None:
    limit = Limit(Rate(3, Unit.SECOND), 1, False, (), "l")
    fine, coarse = NftBucket(limit, 0), TickBucket(limit, 0, 250, hashed=False)
    assert fine.take(0, 0)
    assert coarse.take(0, 0)
    # A third of a second, cut off; for xt_limit in 10000ths, and in credits that a tick of 4 ms brings.
    assert not fine.take(333_333_332, 0)
    assert fine.take(333_333_333, 0)
    assert not coarse.take(332_000_000, 0)
    assert coarse.take(333_333_333 // 4_000_000 * 4_000_000 + 4_000_000, 0)


def test_a_full_table_of_buckets() -> None:
    limit = Limit(Rate(1, Unit.HOUR), 2, False, (SOURCE,), "l", size=2)
    rules = table(base(Hook.INPUT, rule(limit, Accept()), rule(tcp(80), Accept()), policy=Drop()))
    steps = [syn(number) for number in (1, 2, 3)]
    # nft breaks the rule off and goes on to the next, iptables drops the packet there and then.
    assert taken(Play(rules), *steps) == "+++"
    assert taken(Play(rules, flavour=Flavour.IPTABLES), *steps) == "++-"
    # A bucket that is full again makes place.
    assert taken(Play(rules, flavour=Flavour.IPTABLES), *steps[:2], 3601.0, steps[2]) == "+++"


def test_a_key_that_a_packet_lacks() -> None:
    limit = Limit(Rate(1, Unit.HOUR), 1, False, (KeyPart(KeyField.DPORT),), "l")
    assert taken(Play(guarded(limit)), "icmp 198.51.100.9 -> host in eth0") == "-"
    assert taken(Play(guarded(limit), flavour=Flavour.IPTABLES), *["icmp 198.51.100.9 -> host in eth0"] * 2) == "+-"


# Hits and lists


def test_hits_count_the_packet_itself() -> None:
    play = Play(guarded(Hits(3, 60, SOURCE, False, "h")))
    assert taken(play, *packets(4)) == "--++"
    assert taken(play, "udp 198.51.100.8:1 -> host:53 in eth0") == "-"
    assert taken(play, 60.1, *packets(3)) == "--+"


@pytest.mark.parametrize(("refresh", "wanted"), [(False, "--++-"), (True, "--+++")])
def test_hits_that_are_refreshed_hold_on_to_who_goes_on(refresh: bool, wanted: str) -> None:
    play = Play(guarded(Hits(3, 10, SOURCE, refresh, "h")))
    assert taken(play, *packets(3), 9.9, *packets(1), 9.9, *packets(1)) == wanted


def test_the_oldest_source_makes_place() -> None:
    play = Play(guarded(Hits(2, 60, SOURCE, False, "h", size=2)))
    assert taken(play, *(syn(number) for number in (1, 2, 3, 1))) == "----"
    assert taken(play, syn(3)) == "+"


def test_a_list_keeps_as_many_stamps_as_it_is_asked_for() -> None:
    """xt_recent.c: ip_pkt_list_tot is 20, which is rounded up to 32; more where a rule asks for more."""
    for hits, count in ((0, 32), (20, 32), (40, 64), (255, 256)):
        kept = RecentList(100, hits, Settings())
        for _ in range(300):
            kept.record((False, 1), SECOND)
        assert kept.holds((False, 1), SECOND, 60, count)
        assert not kept.holds((False, 1), SECOND, 60, count + 1)


def recent(verb: RecentVerb, seconds: int | None = None, hits: int | None = None, **more: bool) -> RecentMatch:
    return RecentMatch(verb, "seen", SOURCE, seconds, hits, **more)


def listed(*rules: tuple[int, RecentMatch]) -> Ruleset:
    """Each port asks the list one question."""
    made = [rule(tcp(port), asked, Accept()) for port, asked in rules]
    return table(base(Hook.INPUT, *made, policy=Drop()))


def test_verbs_of_xt_recent() -> None:
    asked = listed(
        (1, recent(RecentVerb.SET)),
        (2, recent(RecentVerb.RCHECK)),
        (3, recent(RecentVerb.UPDATE, 10)),
        (4, recent(RecentVerb.REMOVE)),
        (5, recent(RecentVerb.RCHECK, 10, 3)),
        (6, recent(RecentVerb.RCHECK, negated=True)),
        (7, recent(RecentVerb.SET, negated=True)),
    )
    play = Play(asked, flavour=Flavour.IPTABLES)
    own, other = {port: syn(port=port) for port in range(1, 8)}, {port: syn(8, port) for port in range(1, 8)}
    assert taken(play, own[2], own[4], own[6]) == "--+"
    assert taken(play, own[1], own[2], own[6], other[2]) == "++--"
    assert taken(play, 9.0, own[3], 9.0, own[3], 11.0, own[3], own[2]) == "++-+"
    assert taken(play, own[4], own[2], own[4]) == "+--"
    assert taken(play, own[1], own[5], own[1], own[5], own[1], own[5], 10.1, own[5]) == "+-+-++-"
    # What `! --set` answers is no, and it has been put on the list all the same.
    assert taken(play, other[7], other[2]) == "-+"


def test_a_negated_update_records_who_was_quiet() -> None:
    """recent_mt: what is renewed follows the answer that is given, and that is the negated one."""
    asked = listed(
        (1, recent(RecentVerb.SET)),
        (2, recent(RecentVerb.UPDATE, 10, negated=True)),
        (3, recent(RecentVerb.RCHECK, 10)),
    )
    play = Play(asked, flavour=Flavour.IPTABLES)
    assert taken(play, syn(port=2), syn(port=3)) == "+-"
    assert taken(play, syn(port=1), 11.0, syn(port=3), syn(port=2), syn(port=3), syn(port=2)) == "+-++-"


def test_a_list_that_reaps_forgets_who_is_too_old() -> None:
    asked = listed(
        (1, recent(RecentVerb.SET)), (2, recent(RecentVerb.RCHECK)), (3, recent(RecentVerb.RCHECK, 10, reap=True))
    )
    play = Play(asked, flavour=Flavour.IPTABLES)
    assert taken(play, syn(port=1), 11.0, syn(port=2), syn(port=3), syn(port=2)) == "++--"


def test_a_list_that_minds_the_ttl() -> None:
    asked = listed((1, recent(RecentVerb.SET)), (2, recent(RecentVerb.RCHECK, ttl=True)))
    play = Play(asked, flavour=Flavour.IPTABLES)
    assert taken(play, f"{syn(port=1)} ttl 50", f"{syn(port=2)} ttl 50", f"{syn(port=2)} ttl 51") == "++-"


# Connections, quotas, turns


def test_connections_are_those_that_live() -> None:
    play = Play(guarded(Connections(2, False, (SOURCE,), "c")))
    assert taken(play, *(syn(sport=port) for port in (1, 2, 3))) == "++-"
    assert taken(play, syn(8)) == "+"
    # The flows are forgotten, and with them their count.
    assert taken(play, 121.0, syn(sport=3)) == "+"


def test_a_connection_that_closed_is_not_counted() -> None:
    rules = Ruleset((base(Hook.INPUT, rule(Connections(1, True, (SOURCE,), "c"), Drop())), base(Hook.OUTPUT)))
    play = Play(rules)
    assert taken(play, syn(sport=1), syn(sport=2)) == "+-"
    play.send("tcp host:80 -> 198.51.100.9:1 out eth0 flags rst,ack")
    assert taken(play, syn(sport=2)) == "+"


def test_connections_from_before_count_too_once_they_come_by() -> None:
    marked = FieldMatch(Field.META_MARK, one(1))
    limited = rule(marked, Connections(1, True, (SOURCE,), "c"), Drop())
    play = Play(table(base(Hook.INPUT, limited)))
    flows = [f"udp 198.51.100.9:{port} -> host:53 in eth0" for port in (1, 2)]
    assert taken(play, *flows, *(f"{words} mark 1" for words in flows), f"{flows[0]} mark 1") == "+++--"


def test_more_connections_than_places() -> None:
    limit = Connections(5, False, (SOURCE,), "c", size=2)
    rules = table(base(Hook.INPUT, rule(limit, Accept()), rule(Accept()), policy=Drop()))
    steps = [syn(number) for number in (1, 2, 3)]
    assert taken(Play(rules), *steps) == "+++"
    assert taken(Play(rules, flavour=Flavour.IPTABLES), *steps) == "++-"


@pytest.mark.parametrize("over", [False, True])
def test_a_quota_never_refills(over: bool) -> None:
    play = Play(guarded(Quota(100, over, "q")))
    words = "udp 198.51.100.9:1 -> host:53 in eth0 length 50"
    assert taken(play, *packets(2, words), 1e6, *packets(1, words)) == ("--+" if over else "++-")


def test_turns() -> None:
    assert taken(Play(guarded(EveryNth(3, 1))), *packets(7)) == "-+--+--"


def test_chance_follows_the_seed() -> None:
    half = guarded(RandomMatch(1 << 30))
    runs = [taken(Play(half, settings=Settings(seed=seed)), *packets(60)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert 15 < runs[0].count("+") < 45
    assert taken(Play(guarded(RandomMatch(0))), *packets(9)) == "-" * 9
    assert taken(Play(guarded(RandomMatch(1 << 31))), *packets(9)) == "+" * 9
    assert taken(Play(guarded(RandomMatch(1 << 31, negated=True))), *packets(9)) == "-" * 9


# Sets


def with_set(named: DynamicSet, *rules: tuple[int, Match | UpdateSet]) -> Ruleset:
    made = [rule(tcp(port), part, Accept()) for port, part in rules]
    return Ruleset((base(Hook.INPUT, *made, policy=Drop()),), (named,))


FOUR = DynamicSet.of_addresses("four", Family.IP, 2, 60)
IN = SetMatch((Side.SADDR,), "four")


def put(operation: SetOperation, timeout: int | None = None) -> UpdateSet:
    return UpdateSet((Side.SADDR,), "four", timeout, operation)


def test_elements_come_and_go() -> None:
    rules = with_set(FOUR, (1, put(SetOperation.ADD)), (2, IN), (3, put(SetOperation.DELETE)))
    play = Play(rules)
    own = {port: syn(port=port) for port in (1, 2, 3)}
    assert taken(play, own[2], own[1], own[2], own[3], own[2]) == "-+++-"
    assert taken(play, own[1], 59.9, own[2], 0.2, own[2]) == "++-"


def test_add_keeps_an_elements_time_and_update_renews_it() -> None:
    for operation, wanted in ((SetOperation.ADD, "-"), (SetOperation.UPDATE, "+")):
        play = Play(with_set(FOUR, (1, put(operation)), (2, IN)))
        assert taken(play, syn(port=1), 40.0, syn(port=1), 40.0, syn(port=2)) == f"++{wanted}"


def test_an_element_may_have_a_time_of_its_own() -> None:
    play = Play(with_set(FOUR, (1, put(SetOperation.UPDATE, 5)), (2, IN)))
    assert taken(play, syn(port=1), 4.0, syn(port=2), 2.0, syn(port=2)) == "++-"


def test_a_set_that_is_full() -> None:
    rules = with_set(FOUR, (1, put(SetOperation.ADD)), (2, IN))
    steps = [syn(number, 1) for number in (1, 2, 3)]
    # nft breaks the rule off, ipset leaves the element out and goes on.
    assert taken(Play(rules), *steps, syn(3, 2)) == "++--"
    assert taken(Play(rules, flavour=Flavour.IPTABLES), *steps, syn(3, 2)) == "+++-"
    assert taken(Play(rules), *steps, 61.0, syn(3, 1), syn(3, 2)) == "++-++"


def test_sets_of_several_fields_and_of_ranges() -> None:
    pairs = DynamicSet("pairs", (KeyType.IPV4_ADDR, KeyType.INET_SERVICE), None, None)
    key = (Side.SADDR, Transport.SPORT)
    rules = with_set(pairs, (1, UpdateSet(key, "pairs")), (2, SetMatch(key, "pairs")))
    play = Play(rules)
    assert taken(play, syn(port=1, sport=7), syn(port=2, sport=7), syn(port=2, sport=8)) == "++-"


def test_a_policy_that_bans() -> None:
    play = Play(
        "addresses: {bad: {dynamic: true, timeout: 1h}}\noutput: {default: accept}\n"
        "input:\n  default: accept\n  rules: [drop from @bad, drop tcp/23 ban @bad 10m]\n"
    )
    play.play(
        "accept new: tcp 198.51.100.9:1 -> host:80 in eth0",
        "drop new: tcp 198.51.100.9:2 -> host:23 in eth0",
        "drop new: tcp 198.51.100.9:3 -> host:80 in eth0",
        "accept new: tcp 198.51.100.8:3 -> host:80 in eth0",
        "wait 10m",
        "accept new: tcp 198.51.100.9:4 -> host:80 in eth0",
    )


def test_matches_that_are_not_reached_count_nothing() -> None:
    limited = rule(source("198.51.100.9"), Limit(Rate(1, Unit.HOUR), 1, False, (), "l"), Accept())
    play = Play(table(base(Hook.INPUT, limited, policy=Drop())))
    assert taken(play, syn(8), syn(8), syn(9), syn(9)) == "--+-"
