"""A bug that is put in is found, and shrunk to about a rule and a packet."""

from __future__ import annotations

import pytest

from polc.backends.iptables.extensions import ports
from polc.fuzzing.case import Block, Case, Definition, Kind, Line, Part
from polc.fuzzing.judge import EVERYTHING, Asked, judge
from polc.fuzzing.model import Check, Finding, Judged
from polc.fuzzing.shrink import shrink
from polc.ir.selectors import Side
from polc.kernel.loaders import LOADERS
from polc.simulate import matching

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack")


def line(*texts: str) -> Line:
    first, *rest = texts
    return Line((Part("", (first,), needed=True), *(Part(one) for one in rest)))


CASE = Case(
    Kind.POLICY,
    (
        Block("chains.one", "", (line("return", "udp"), line("drop", "tcp/25", "from 198.51.100.0/24"))),
        Block(
            "input",
            "drop",
            (
                line("accept", "udp/53", "from wan"),
                line("jump one", "state new"),
                Line((Part("", ("accept",), needed=True), Part("", ("tcp/22", "tcp/443"), key="service"),
                      Part("from ", ("192.0.2.9", "198.51.100.8/30")))),
                line("reject", "state invalid"),
            ),
        ),
        Block("forward", "accept", (line("drop", "tcp/80"), line("reject", "udp"))),
    ),
    (Definition("zones.wan", '"eth0"'),),
    ("--ipset", "never"),
)  # fmt: skip
"""A case of which one rule alone is needed."""


def asked(*names: str, checks: frozenset[Check] = EVERYTHING) -> Asked:
    return Asked(tuple(one for one in LOADERS if one.name in names), packets=40, checks=checks)


def found(case: Case, about: Asked, check: Check) -> Finding:
    return next(one for one in judge(case, about).findings if one.check is check)


@ALL
def test_nothing_is_found_where_nothing_is_wrong() -> None:
    judged = judge(CASE, asked("nft", "iptables-nft", "iptables-legacy"))
    assert not judged.findings
    assert set(judged.packets) == {"nft", "iptables-nft", "iptables-legacy"}
    assert min(judged.packets.values()) > 20
    assert judged.points > 20
    assert judged.proven == 2
    assert {"AddressMatch", "Reject", "Jump", "Hook.INPUT"} <= judged.met


@ALL
@pytest.mark.parametrize("loader", ["nft", "iptables-legacy"])
def test_a_simulator_that_is_wrong(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the source for the destination."""
    right = matching._address
    others = {Side.SADDR: Side.DADDR, Side.DADDR: Side.SADDR}
    monkeypatch.setattr(matching, "_address", lambda side, *rest: right(others[side], *rest))
    about = asked(loader, checks=frozenset({Check.KERNEL}))
    made = shrink(CASE, found(CASE, about, Check.KERNEL), about, judge)
    assert made is not None
    case, least = made
    assert case.rules == 1, case.text
    assert least.scene is not None
    assert sum(len(probe.packets) for probe in least.scene.probes) == 1
    assert not case.definitions
    assert not case.options


def test_an_emitter_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ports are one off: the proof sees it without a kernel."""
    right = ports._range
    monkeypatch.setattr(ports, "_range", lambda low, high: right(low, high).replace("443", "444"))
    about = asked("iptables-nft", checks=frozenset({Check.VALIDATION}))
    made = shrink(CASE, found(CASE, about, Check.VALIDATION), about, judge)
    assert made is not None
    case, least = made
    assert case.rules == 1, case.text
    assert "tcp/443" in case.text
    assert "tcp/22" not in case.text
    assert least.where == "iptables"


def test_what_breaks_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("too many")

    monkeypatch.setattr(ports, "_range", broken)
    about = asked("iptables-nft", checks=frozenset({Check.CRASH, Check.VALIDATION}))
    finding = found(CASE, about, Check.CRASH)
    assert "ZeroDivisionError: too many" in finding.message
    assert finding.where.startswith("polc/backends/iptables/")
    made = shrink(CASE, finding, about, judge)
    assert made is not None
    assert made[0].rules == 1


def test_what_does_not_come_again_is_said_so() -> None:
    def nothing(case: Case, about: Asked) -> Judged:
        return Judged()

    assert shrink(CASE, Finding(Check.CRASH, "polc/x.py:1", "ValueError: x"), asked("nft"), nothing) is None


def test_the_fewest_parts_are_left() -> None:
    """Of an answer that hangs on two rules, and on a part of one."""

    def wrong(case: Case, about: Asked) -> Judged:
        shows = "jump one" in case.text and "198.51.100.8" in case.text
        return Judged([Finding(Check.VALIDATION, "nft", "x")] if shows else [])

    made = shrink(CASE, Finding(Check.VALIDATION, "nft", "x"), asked("nft"), wrong)
    assert made is not None
    assert [str(one) for block in made[0].blocks for one in block.lines] == ["jump one", "accept from 198.51.100.8"]
    assert [block.default for block in made[0].blocks] == ["accept"]
