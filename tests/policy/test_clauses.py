"""Clauses of rules that act beside a verdict, and the periods of rates."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import HEAD, error, policy, rules

from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.ir.matches import AddressMatch
from polc.ir.stateful import Limit, Unit
from polc.ir.statements import AssignHelper, Counter, Log, LogLevel
from polc.ir.verdicts import Accept, Drop
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace

NO_PREFIX = '`log` needs a prefix in double quotes such as `"in-drop: "`'
NO_PORTS = "packets are counted by `dport` here, and some that the rule matches have no ports"


def test_log_alone_lets_the_packet_go_on() -> None:
    (rule,) = rules("'log \"in-drop: \" limit 5/minute from 192.0.2.1'")
    assert rule.verdict is None
    assert rule.statements == (Log("in-drop: ", LogLevel.WARN),)
    assert isinstance(rule.matches[0], AddressMatch)
    assert isinstance(rule.matches[-1], Limit)


def test_log_and_counters_with_a_verdict() -> None:
    (rule,) = rules("'drop ssh log \"ssh: \" level info count ssh-drops counter'")
    assert rule.verdict == Drop()
    assert rule.statements == (Counter(), Counter("ssh-drops"), Log("ssh: ", LogLevel.INFO))
    (rule,) = rules("{verdict: drop, service: ssh, log: {prefix: 'ssh: ', level: info}, count: ssh-drops}")
    assert rule.statements == (Counter("ssh-drops"), Log("ssh: ", LogLevel.INFO))


def test_counters_alone() -> None:
    assert [(one.verdict, one.statements) for one in rules("count web tcp/80", "counter tcp/80")] == [
        (None, (Counter("web"),)),
        (None, (Counter(),)),
    ]


def test_each_rule_of_a_split_service_does_it() -> None:
    attached, rest = rules("'accept files, tcp/2000 log \"f: \"'")
    assert attached.statements == (AssignHelper("ftp", 6), Log("f: "))
    assert (rest.statements, rest.verdict) == ((Log("f: "),), Accept())


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("s", Unit.SECOND),
        ("sec", Unit.SECOND),
        ("m", Unit.MINUTE),
        ("min", Unit.MINUTE),
        ("h", Unit.HOUR),
        ("d", Unit.DAY),
        ("day", Unit.DAY),
    ],
)
def test_periods(text: str, unit: Unit) -> None:
    (rule,) = rules(f"accept ssh limit 7/{text}")
    (*_, limit) = rule.matches
    assert isinstance(limit, Limit)
    assert (limit.rate.count, limit.rate.unit) == (7, unit)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("log", ("POL110", NO_PREFIX, "log")),
        ("log in-drop", ("POL110", f'{NO_PREFIX}, found `in-drop`', "in-drop")),
        ('log "x" level', ("POL110", "`level` needs a level such as `info`", "level")),
        ('log "x" level wran', ("POL231", "unknown log level `wran`", "wran")),
        ('drop log "x" log "y"', ("POL111", "`log` is there twice: a rule has each clause once", 'log "y"')),
        ("accept count a.b", ("POL105", "`a.b` is not the name of a counter", "a.b")),
        ("count", ("POL110", "`count` needs the name of a counter such as `web`", "count")),
        ("drop over 1/m per dport", ("POL240", NO_PORTS, "dport")),
        ("drop ssh over 1/m per dport/8", ("POL119", "`dport` is a port: it has no prefix length", "dport/8")),
        ("drop ssh hits 2 in 1m per dport", ("POL119", "hits are counted by source or destination", "dport")),
    ],
)  # fmt: skip
def test_errors(rule: str, expected: tuple[str, str, str]) -> None:
    assert error(f"'{rule}'") == expected


def test_a_prefix_without_control_characters() -> None:
    assert error(r'{verdict: drop, log: "a\nb"}')[0] == "POL120"


EVERY = policy(
    "'log \"in: \" level info limit 5/min'",
    "'drop ssh state new over 7/m per source log \"ssh: \" counter'",
    "{verdict: accept, service: web, log: 'web: '}",
    head=HEAD,
)


@pytest.mark.parametrize(
    "loader", [pytest.param(one, marks=pytest.mark.kernel(one.name, "hashlimit"), id=one.name) for one in LOADERS]
)
def test_every_loader_takes_it(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(EVERY)
    loader.load(scratch, compile_policy(str(path), loader.target))


def test_named_counters_are_refused_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy("accept ssh count web"))
    assert '"counter"' in compile_policy(str(path), "nft").files[0].text
    with pytest.raises(Failure) as refused:
        compile_policy(str(path), "iptables")
    assert {one.code for one in refused.value.diagnostics} == {"POL402"}
    assert all(one.span for one in refused.value.diagnostics)


def test_a_mistyped_unit_is_told_as_one() -> None:
    code, message, place = error("accept ssh limit 10 mbyte/second")
    assert (code, place) == ("POL114", "10 mbyte/second")
    assert "`mbytes`" in message
