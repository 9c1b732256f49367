"""Address groups that are filled at run time: their sets, what reads them and what fills them."""

from __future__ import annotations

import pytest
from policies import errors, policy, read

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import AddressMatch, Match, SetMatch, Side
from polc.ir.ruleset import DynamicSet, Rule, Ruleset
from polc.ir.statements import Counter, Log, UpdateSet
from polc.ir.verdicts import Drop

HEAD = """\
zones: {wan: eth0}
addresses:
  bad: {dynamic: true, timeout: 1h, size: 9}
  good: {dynamic: true}
  fixed: 192.0.2.1
"""
ONE = AddressSet.of([parse_address("192.0.2.1")])
IP, IP6 = (frozenset({family}) for family in FAMILIES)


def ruleset(*rules: str) -> Ruleset:
    return read(policy(*rules, head=HEAD))


def rules(*written: str) -> tuple[Rule, ...]:
    return ruleset(*written).chains[0].rules


def places(*written: str, head: str = HEAD) -> list[tuple[str, str]]:
    return [(one.code, one.span.text) for one in errors(policy(*written, head=head)) if one.span]


def test_a_group_is_a_set_a_family() -> None:
    assert ruleset().sets == (
        DynamicSet.of_addresses("bad-v4", Family.IP, 9, 3600),
        DynamicSet.of_addresses("bad-v6", Family.IP6, 9, 3600),
        DynamicSet.of_addresses("good-v4", Family.IP, 65535, None),
        DynamicSet.of_addresses("good-v6", Family.IP6, 65535, None),
    )
    assert [one.origin.name for one in ruleset().sets] == ["bad", "bad", "good", "good"]


@pytest.mark.parametrize(
    ("time", "seconds"), [("100s", 100), ("5m", 300), ("1h", 3600), ("1d", 86400), ("365d", 365 * 86400)]
)
def test_timeouts(time: str, seconds: int) -> None:
    (four, six) = read(f"polc: 1\naddresses: {{a: {{dynamic: true, timeout: {time}}}}}\n").sets
    assert four.timeout == six.timeout == seconds


@pytest.mark.parametrize(
    ("definition", "code", "text"),
    [
        ("{dynamic: true, timeout: 1x}", "POL114", "1x"),
        ("{dynamic: true, timeout: 0s}", "POL114", "0s"),
        ("{dynamic: true, timeout: 366d}", "POL114", "366d"),
        ("{dynamic: true, timeout: 60}", "POL102", "60"),
        ("{dynamic: true, size: 0}", "POL108", "0"),
        ("{dynamic: true, size: 2147483648}", "POL108", "2147483648"),
        ("{dynamic: true, size: many}", "POL102", "many"),
        ("{dynamic: false}", "POL104", "false"),
        ("{dynamic: true, file: x}", "POL101", "dynamic"),
    ],
)
def test_wrong_definitions_are_told_once(definition: str, code: str, text: str) -> None:
    found = places("drop from @bad", "drop ban @bad", head=f"addresses: {{bad: {definition}}}\n")
    assert found == [(code, text)]


def _sets(side: Side, negated: bool = False) -> list[tuple[tuple[Match, ...], frozenset[Family]]]:
    return [((SetMatch((side,), f"bad-{one}", negated),), two) for one, two in (("v4", IP), ("v6", IP6))]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("drop from @bad", _sets(Side.SADDR)),
        ("drop to @bad", _sets(Side.DADDR)),
        ("drop from not @bad", _sets(Side.SADDR, negated=True)),
        ("drop from @fixed, @bad", [((AddressMatch(Side.SADDR, ONE),), IP), *_sets(Side.SADDR)]),
        (
            "drop from not @fixed, @bad",
            [
                ((AddressMatch(Side.SADDR, ONE, negated=True), *matches), families)
                for matches, families in _sets(Side.SADDR, negated=True)
            ],
        ),
        (
            "drop from @bad to @fixed",
            # The IPv6 set and an IPv4 address meet in no packet.
            [((AddressMatch(Side.DADDR, ONE), SetMatch((Side.SADDR,), "bad-v4")), IP)],
        ),
        (
            "drop from not @bad, @good",
            [
                (tuple(SetMatch((Side.SADDR,), f"{name}-{suffix}", negated=True) for name in ("bad", "good")), families)
                for suffix, families in (("v4", IP), ("v6", IP6))
            ],
        ),
    ],
)
def test_rules_that_read(rule: str, expected: list[tuple[tuple[Match, ...], frozenset[Family]]]) -> None:
    assert [(one.matches, one.families) for one in rules(rule)] == expected


def test_a_ban_is_a_rule_a_family() -> None:
    four, six = rules('drop tcp/1 from wan ban @bad log "x" counter')
    assert four.matches == six.matches
    assert (four.families, six.families) == (IP, IP6)
    assert four.statements == (UpdateSet((Side.SADDR,), "bad-v4"), Counter(), Log("x"))
    assert six.statements == (UpdateSet((Side.SADDR,), "bad-v6"), Counter(), Log("x"))
    assert four.verdict == six.verdict == Drop()


def test_a_ban_of_one_family_is_one_rule() -> None:
    (only,) = rules("drop from @fixed ban @bad 5m")
    assert (only.families, only.statements) == (IP, (UpdateSet((Side.SADDR,), "bad-v4", 300),))


def test_a_ban_alone_is_a_rule() -> None:
    assert [one.verdict for one in rules("ban @good")] == [None, None]


def test_a_rule_reads_and_fills_one_group() -> None:
    """As port knocking does: who is on the first list comes on the second."""
    four, six = rules("drop tcp/7 from @good ban @bad")
    assert four.matches[0] == SetMatch((Side.SADDR,), "good-v4")
    assert six.statements == (UpdateSet((Side.SADDR,), "bad-v6"),)


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ("drop ban @nobody", "POL244", "@nobody"),
        ("drop ban @fixed", "POL244", "@fixed"),
        ("drop ban @good per sport", "POL119", "sport"),
        ("drop ban @good per source,destination", "POL119", "destination"),
        ("drop ban @bad 5x", "POL114", "5x"),
        ("drop from @nobody", "POL202", "@nobody"),
        ("drop where ct original saddr @bad", "POL244", "@bad"),
        ("drop from bad", "POL201", "bad"),
    ],
)
def test_what_is_wrong_in_rules(rule: str, code: str, text: str) -> None:
    assert places(rule) == [(code, text)]


@pytest.mark.parametrize(
    ("rule", "help"),
    [
        ("drop ban @bat", "did you mean `bad`?"),
        ("drop from @bat", "did you mean `bad`?"),
        ("drop ban @fixed", "as in `fixed: {dynamic: true, timeout: 1h, size: 65535}`"),
        ("drop from bad", "the address group is written `@bad`"),
    ],
)
def test_what_helps(rule: str, help: str) -> None:
    (one,) = errors(policy(rule, head=HEAD))
    assert one.help == help


@pytest.mark.parametrize(
    "head",
    [
        "addresses: {bad: {dynamic: true}, other: [192.0.2.1, '@bad']}\n",
        "addresses: {bad: {dynamic: true}}\nzones: {z: {interfaces: eth0, addresses: '@bad'}}\n",
    ],
)
def test_what_is_in_it_is_no_part_of_a_definition(head: str) -> None:
    assert places("accept tcp/1", head=head) == [("POL244", "'@bad'")]


def test_groups_named_like_sets_of_others() -> None:
    """A group `a-v4` beside `a` has sets of other names than `a`."""
    found = read("polc: 1\naddresses: {a: {dynamic: true}, a-v4: {dynamic: true}}\n").sets
    assert [one.name for one in found] == ["a-v4", "a-v6", "a-v4-v4", "a-v4-v6"]


def test_a_group_that_is_named_alone_lends_its_name() -> None:
    def groups(rule: str) -> list[str]:
        return [match.group for one in rules(rule) for match in one.matches if isinstance(match, AddressMatch)]

    assert groups("accept from @fixed to @fixed") == ["fixed", "fixed"]
    assert groups("drop tcp/22 from not @fixed limit 5/minute") == ["fixed"]
    assert groups("drop from @fixed, @bad") == ["fixed"]
    assert groups("drop from @fixed, 192.0.2.99") == [""]
    assert groups("drop from 192.0.2.99") == [""]
    assert AddressMatch(Side.SADDR, ONE, group="a") == AddressMatch(Side.SADDR, ONE)
