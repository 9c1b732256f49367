"""Dynamic sets: the file that makes them, the words of rules that ask and fill them, and what ipset has no room for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.iptables.compare_ipsets import differences
from polc.backends.model import Fidelity, Options, Output
from polc.ir.family import Family
from polc.ir.matches import SetMatch, Side
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Rule, Ruleset
from polc.ir.selectors import KeyType
from polc.ir.statements import UpdateSet
from polc.ir.verdicts import Accept, Drop
from polc.passes import pipeline

BANNED = DynamicSet.of_addresses("banned", Family.IP, 1000, 3600)
BANNED6 = replace(BANNED, name="banned6", types=(KeyType.IPV6_ADDR,))


def emit(*rules: Rule, sets: tuple[DynamicSet, ...] = (BANNED, BANNED6)) -> Output:
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    return IptablesBackend().emit(pipeline.run(Ruleset((base,), sets)), Options("restore"))


def lines(output: Output, name: str) -> list[str]:
    (text,) = (file.text for file in output.files if file.name == name)
    return [line.removeprefix("-A INPUT ") for line in text.splitlines() if line.startswith("-A ")]


def refusals(output: Output) -> list[tuple[str, Origin]]:
    assert all(one.fidelity is Fidelity.REFUSED for one in output.deviations)
    return [(one.name, one.origin) for one in output.deviations]


def test_sets_are_made_before_rules_name_them() -> None:
    first, *rules = emit().files
    assert first.name == "sets.ipset"
    assert first.text == (
        "create banned hash:ip hashsize 1024 maxelem 1000 timeout 3600 family inet\n"
        "create banned6 hash:ip hashsize 1024 maxelem 1000 timeout 3600 family inet6\n"
    )
    assert [file.name for file in rules] == ["rules.v4", "rules.v6"]


def test_without_sets_there_is_no_file_of_them() -> None:
    assert [file.name for file in emit(sets=()).files] == ["rules.v4", "rules.v6"]


@pytest.mark.parametrize(("size", "buckets"), [(1, 64), (64, 64), (65, 128), (65535, 65536), (1 << 24, 1 << 24)])
def test_there_is_a_bucket_for_each_address(size: int, buckets: int) -> None:
    (first, *_) = emit(sets=(replace(BANNED, size=size),)).files
    assert f" hashsize {buckets} maxelem {size} " in first.text


def test_a_set_without_time_can_have_members_with_one() -> None:
    (first, *_) = emit(sets=(replace(BANNED, timeout=None),)).files
    assert " timeout 0 " in first.text


@pytest.mark.parametrize(("side", "word"), [(Side.SADDR, "src"), (Side.DADDR, "dst")])
@pytest.mark.parametrize(("negated", "sign"), [(False, ""), (True, "! ")])
def test_asking(side: Side, word: str, negated: bool, sign: str) -> None:
    output = emit(*(Rule((SetMatch((side,), one.name, negated),), Drop()) for one in (BANNED, BANNED6)))
    assert lines(output, "rules.v4") == [f"-m set {sign}--match-set banned {word} -j DROP"]
    assert lines(output, "rules.v6") == [f"-m set {sign}--match-set banned6 {word} -j DROP"]


@pytest.mark.parametrize(("side", "word"), [(Side.SADDR, "src"), (Side.DADDR, "dst")])
@pytest.mark.parametrize(("timeout", "time"), [(None, ""), (600, " --timeout 600"), (2147483, " --timeout 2147483")])
def test_filling(side: Side, word: str, timeout: int | None, time: str) -> None:
    output = emit(Rule((), Drop(), (UpdateSet((side,), "banned6", timeout),)))
    assert lines(output, "rules.v4") == []
    assert lines(output, "rules.v6") == [f"-j SET --add-set banned6 {word} --exist{time}", "-j DROP"]


def test_a_rule_that_fills_what_it_asks_has_a_chain_of_its_own() -> None:
    """Else its second line would not hold any more."""
    asks = SetMatch((Side.SADDR,), "banned", negated=True)
    output = emit(Rule((asks,), Drop(), (UpdateSet((Side.SADDR,), "banned"),)))
    assert lines(output, "rules.v4") == [
        "-m set ! --match-set banned src -j input-1",
        "-A input-1 -j SET --add-set banned src --exist",
        "-A input-1 -j DROP",
    ]


HERE = Origin(name="the group")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("set-name", replace(BANNED, name="n" * 32)),
        ("set-name", replace(BANNED, name="ä" * 16)),
        ("set-name", replace(BANNED, name="a b")),
        ("set-name", replace(BANNED, name="-exist")),
        ("set-name", replace(BANNED, name="")),
        ("set-size", replace(BANNED, size=(1 << 24) + 1)),
        ("set-size", replace(BANNED, size=0)),
        ("set-timeout", replace(BANNED, timeout=2147484)),
        ("set-timeout", replace(BANNED, timeout=0)),
    ],
)
def test_a_set_that_ipset_has_not_is_in_no_file_nor_are_its_rules(name: str, bad: DynamicSet) -> None:
    bad = replace(bad, origin=HERE)
    output = emit(
        Rule((SetMatch((Side.SADDR,), bad.name),), Drop()),
        Rule((), None, (UpdateSet((Side.SADDR,), bad.name),)),
        Rule((SetMatch((Side.SADDR,), "banned6"),), Drop()),
        sets=(bad, BANNED6),
    )
    assert refusals(output) == [(name, HERE)]
    assert output.files[0].text.splitlines() == [
        line for line in emit().files[0].text.splitlines() if "banned6" in line
    ]
    assert lines(output, "rules.v4") == []
    assert lines(output, "rules.v6") == ["-m set --match-set banned6 src -j DROP"]


def test_the_longest_name() -> None:
    output = emit(sets=(replace(BANNED, name="n" * 31),))
    assert output.deviations == ()


SAVED = """\
create banned hash:ip family inet hashsize 2048 maxelem 1000 timeout 3600 bucketsize 12 initval 0x2ddb9223
add banned 192.0.2.1 timeout 3599
create others hash:net family inet hashsize 1024 maxelem 65536 comment
create banned6 hash:ip family inet6 hashsize 1024 maxelem 1000 timeout 3600 bucketsize 12 initval 0x7f8a6324
"""


def test_how_the_kernel_keeps_a_set_and_what_is_in_it_do_not_count() -> None:
    assert differences(emit().files[0].text, SAVED) == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("create banned hash:ip", "create bandit hash:ip", "set banned is missing"),
        ("create banned hash:ip", "create banned hash:net", "set banned: type is hash:net, not hash:ip"),
        ("banned6 hash:ip family inet6", "banned6 hash:ip family inet", "set banned6: family is inet, not inet6"),
        ("2048 maxelem 1000", "2048 maxelem 999", "set banned: maxelem is 999, not 1000"),
        (
            "timeout 3600 bucketsize 12 initval 0x2",
            "bucketsize 12 initval 0x2",
            "set banned: timeout is absent, not 3600",
        ),
        ("initval 0x7f8a6324", "forceadd", "set banned6: forceadd is set, not absent"),
    ],
)
def test_what_counts(old: str, new: str, words: str) -> None:
    assert SAVED.count(old) == 1
    assert differences(emit().files[0].text, SAVED.replace(old, new)) == (words,)


def test_sets_of_ipv4_come_first_and_the_family_is_last() -> None:
    """So that no file that was cut short makes sets that rules take."""
    six = DynamicSet.of_addresses("aaa", Family.IP6, 1000, None)
    made = [line.split() for line in emit(sets=(six, BANNED)).files[0].text.splitlines()]
    assert [words[1] for words in made] == ["banned", "aaa"]
    assert [words[-2:] for words in made] == [["family", "inet"], ["family", "inet6"]]
