"""Rules with `or`, paced logs, limits and bans: the rules and chains that come out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from policies import errors, policy, read

from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.diagnostics import Failure
from polc.ir.family import Family
from polc.ir.matches import STATEFUL, FieldMatch, InterfaceMatch, ServiceMatch
from polc.ir.ruleset import Rule
from polc.ir.stateful import Limit
from polc.ir.statements import AssignHelper, Log, UpdateSet
from polc.ir.verdicts import Accept, Goto, Jump

HEAD = """\
zones:
  plain: eth0
  bound: {interfaces: eth1, addresses: [198.51.100.0-198.51.100.20, "2001:db8::-2001:db8::14"]}
addresses:
  near: [198.51.100.0-198.51.100.20, "2001:db8::-2001:db8::14"]
  bad: {dynamic: true, timeout: 1h}
chains: {c: ['log "inside"', return, drop]}
"""


def compiled(*rules: str) -> tuple[tuple[Rule, ...], dict[str, tuple[Rule, ...]]]:
    """The rules of the chain, and those of the chains that they needed."""
    base, *rest = read(policy(*rules, chain="forward", head=HEAD)).chains
    return base.rules, {one.name: one.rules for one in rest if one.name != "c"}


EITHER = "where ip ttl 5 or meta mark 1"
"""Packets can meet both."""
APART = "where ip ttl 5 or ip6 hoplimit 5"


@pytest.mark.parametrize("verdict", ["accept", "drop", "reject", "return", "goto c", "drop counter", 'accept log "x"'])
def test_a_verdict_that_ends_needs_no_chain(verdict: str) -> None:
    rules, chains = compiled(f"{verdict} {EITHER}")
    assert chains == {}
    assert [type(one.matches[0]) for one in rules] == [FieldMatch, FieldMatch]
    assert rules[0].verdict == rules[1].verdict
    assert rules[0].statements == rules[1].statements


@pytest.mark.parametrize(
    "rule", ["counter", 'log "x"', "jump c", "mark set 1", "drop over 3/second", "accept quota upto 1gbytes"]
)
def test_what_is_done_once_is_in_a_chain_where_both_ways_lead(rule: str) -> None:
    (jump,), chains = compiled(f"{rule} {EITHER}")
    (end, did), (ways, found) = chains.items()
    assert (jump.matches, jump.verdict, jump.statements) == ((), Jump(ways), ())
    assert [(len(one.matches), one.verdict) for one in found] == [(1, Goto(end))] * 2
    alone, none = compiled(rule)
    assert none == {}
    assert [(one.verdict, one.statements) for one in did] == [(one.verdict, one.statements) for one in alone]


@pytest.mark.parametrize(
    "rule", ["counter", "drop over 3/second", "goto c limit 3/second", "return quota over 1gbytes"]
)
def test_ways_that_no_packet_shares_need_no_chain(rule: str) -> None:
    rules, chains = compiled(f"{rule} {APART}")
    assert chains == {}
    assert [one.families for one in rules] == [{Family.IP}, {Family.IP6}]


def test_what_all_ways_have_in_common_is_asked_before_them() -> None:
    (jump,), chains = compiled(f"counter tcp/80 state new from plain {EITHER}")
    # The interface is part of each way, as the zones can be several.
    assert len(jump.matches) == 2
    _, ways = chains.values()
    assert [type(one.matches[0]) for one in ways] == [InterfaceMatch] * 2


@pytest.mark.parametrize("verdict", ["accept", "drop", "reject", "jump c"])
def test_a_paced_log_beside_a_verdict(verdict: str) -> None:
    (jump,), chains = compiled(f'{verdict} tcp/1 log "x" at 1/minute')
    (name,) = chains
    assert jump.verdict == Jump(name)
    line, rest = chains[name]
    assert isinstance(line.matches[0], STATEFUL)
    assert (line.statements, line.verdict) == ((Log("x"),), None)
    (alone,), _ = compiled(f"{verdict} tcp/1")
    assert (rest.matches, rest.statements, rest.verdict) == ((), alone.statements, alone.verdict)


def test_a_paced_log_alone_is_a_limit() -> None:
    (paced,), (limited,) = (compiled(f'log "x" {word} 1/minute burst 3')[0] for word in ("at", "limit"))
    (one,), (other,) = paced.matches, limited.matches
    assert isinstance(one, Limit)
    assert isinstance(other, Limit)
    assert replace(paced, matches=(replace(one, table=other.table),)) == limited
    (rule,), chains = compiled('log "x" at 1/minute limit 5/second')
    assert chains == {}
    assert [isinstance(one, STATEFUL) for one in rule.matches] == [True, True]


def test_the_rate_of_the_rule_is_asked_before_that_of_the_log() -> None:
    (jump,), chains = compiled('accept limit 5/second log "x" at 1/minute')
    assert isinstance(jump.matches[-1], STATEFUL)
    ((line, rest),) = chains.values()
    assert (line.statements, rest.verdict) == ((Log("x"),), Accept())


@pytest.mark.parametrize("verdict", ["return", "goto c"])
@pytest.mark.parametrize("clauses", ['log "x" at 1/minute', f"over 3/second {EITHER}", f'log "x" at 1/minute {EITHER}'])
def test_return_and_goto_cannot_leave_a_chain_in_between(verdict: str, clauses: str) -> None:
    (one,) = errors(policy(f"{verdict} {clauses}", chain="forward", head=HEAD))
    assert (one.code, one.span and one.span.text) == ("POL247", verdict)
    assert one.help == "write a rule for each way, or the log as a rule of its own"


def banned(rules: tuple[Rule, ...]) -> list[str]:
    return [one.set_name for rule in rules for one in rule.statements if isinstance(one, UpdateSet)]


def test_a_ban_that_ends_is_a_rule_for_each_way_and_family() -> None:
    rules, chains = compiled(f"drop ban @bad {EITHER}")
    assert chains == {}
    # Only IPv4 has the field of the first way.
    assert banned(rules) == ["bad-v4", "bad-v4", "bad-v6"]
    assert [sorted(one.value for one in rule.families) for rule in rules] == [["ip"], ["ip"], ["ip6"]]


def test_a_ban_that_goes_on_is_done_once() -> None:
    (jump,), chains = compiled(f"ban @bad {EITHER}")
    end, ways = chains.values()
    assert banned(end) == ["bad-v4", "bad-v6"]
    assert (len(ways), banned((*ways, jump))) == (2, [])


def test_a_limit_before_a_ban_is_one_for_both_families() -> None:
    four, six = compiled("drop tcp/1 over 3/second ban @bad")[0]
    assert four.matches == six.matches
    assert (four.families, six.families) == ({Family.IP}, {Family.IP6})


SERVICE_AGAIN = [
    ('reject with tcp-reset tcp/25 log "x" at 1/minute', "input"),
    ('synproxy mss 1460 wscale 7 tcp/80 log "x" at 1/minute', "input"),
    ("accept tcp/1-100 limit 3/second per dport where ip ttl 5 or meta mark 2", "input"),
    ("drop tcp/1-100 connections over 3 per source,dport where ip ttl 5 or meta mark 2", "input"),
    ('mss clamp tcp log "x" at 1/minute', "forward"),
    ("mss clamp tcp where ip ttl 5 or meta mark 2", "forward"),
]


@pytest.mark.parametrize(("rule", "chain"), SERVICE_AGAIN)
def test_the_service_stands_again_beside_what_needs_it(rule: str, chain: str) -> None:
    base, *rest = read(policy(rule, chain=chain)).chains
    (service,) = (one for one in base.rules[0].matches if isinstance(one, ServiceMatch))
    last = [one for found in rest for one in found.rules if not isinstance(one.verdict, Goto)][-1]
    assert service in last.matches


@pytest.mark.parametrize("target", ["nft", "iptables"])
@pytest.mark.parametrize(
    ("rule", "chain"),
    [*SERVICE_AGAIN, ("counter tcp where ct original proto-src 5 or ct original proto-dst 7", "input")],
)
def test_no_target_misses_it(rule: str, chain: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy(rule, chain=chain))
    if (target, "connections" in rule) == ("iptables", True):
        with pytest.raises(Failure, match="of a source or of a destination"):
            compile_policy(str(path), target)
        return
    assert compile_policy(str(path), target, allow=frozenset({ANY_APPROXIMATION})).files


def test_a_helper_is_attached_by_the_rule_itself() -> None:
    (rule,), chains = compiled('accept ftp helper ftp log "x" at 1/minute')
    assert rule.statements == (AssignHelper("ftp", 6),)
    ((line, rest),) = chains.values()
    assert (line.statements, rest.statements, rest.verdict) == ((Log("x"),), (), Accept())
    (rule,), chains = compiled('helper ftp tcp/21 log "x" at 1/minute')
    assert rule.statements == (AssignHelper("ftp", 6),)
    ((line,),) = chains.values()
    assert line.statements == (Log("x"),)


def test_names_of_chains_stay_when_other_rules_come_and_go() -> None:
    one, two = f"counter {EITHER}", f"drop over 3/second {EITHER}"
    assert set(compiled(one)[1]) | set(compiled(two)[1]) == set(compiled(two, one)[1])
    assert len(compiled(one, one)[1]) == 4


def test_too_many_ways() -> None:
    either = "(ip ttl 5 or meta mark 1)"
    assert len(compiled("accept where " + " and ".join([either] * 6))[0]) == 64
    rule = "accept where " + " and ".join([either] * 7)
    (one,) = errors(policy(rule, chain="forward"))
    assert one.code == "POL246"
    assert "can hold in 128 ways, and 64 are the most" in one.message
