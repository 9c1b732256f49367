"""Rules of both families as one ruleset, where their policies agree."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from importing import import_both, table

from polc.ir.align import common
from polc.ir.family import BOTH, Family
from polc.ir.ruleset import BaseChain, Rule, TableFamily
from polc.ir.statements import Counter
from polc.ir.verdicts import Drop

STATEFUL = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
SSH = "-A INPUT -p tcp -m tcp --dport 22 -j web"
LIMITED = "-A INPUT -p udp -m udp --dport 53 -m limit --limit 5/sec -j ACCEPT"


def test_what_both_say_is_one_rule() -> None:
    found, notes = import_both(
        table(
            ":INPUT DROP [1:60]",
            "[1:60] " + STATEFUL,
            "-A INPUT -p icmp -j ACCEPT",
            SSH,
            LIMITED,
            "-A INPUT -j REJECT",
            chains="web",
        ),
        table(
            ":INPUT DROP [0:0]",
            "[2:90] " + STATEFUL,
            "-A INPUT -p ipv6-icmp -j ACCEPT",
            "-A INPUT -s fe80::/10 -j ACCEPT",
            SSH,
            LIMITED,
            "-A INPUT -j REJECT",
            "-A web -s 2001:db8::/32 -j ACCEPT",
            chains="web",
        ),
    )
    assert not notes
    (one,) = found
    assert one.family is TableFamily.INET
    base, web = one.chains
    assert isinstance(base, BaseChain)
    assert base.policy == Drop()
    four, six = frozenset({Family.IP}), frozenset({Family.IP6})
    assert [rule.families for rule in base.rules] == [BOTH, four, six, six, BOTH, BOTH, BOTH]
    assert base.rules[0].statements == (Counter(None, 3, 150),)
    assert [rule.families for rule in web.rules] == [six]


def test_policies_that_differ_are_tables_of_their_own() -> None:
    found, notes = import_both(
        table(":INPUT DROP [0:0]", SSH.replace("web", "DROP")), table(SSH.replace("web", "DROP"))
    )
    assert [one.family for one in found] == [TableFamily.IP, TableFamily.IP6]
    assert [note.code for note in notes] == ["POL518"]
    assert "`input` drops IPv4 packets that no rule decides and accepts IPv6 packets" in notes[0].message


def test_a_chain_that_one_family_lacks_accepts() -> None:
    found, notes = import_both(table("-A INPUT -s 192.0.2.1 -j DROP"), table("-A OUTPUT -d ::1 -j DROP", name="mangle"))
    assert not notes
    assert [chain.name for chain in found[0].chains] == ["mangle-output", "input"]
    found, notes = import_both(table(":INPUT DROP [0:0]"), table("-A OUTPUT -d ::1 -j DROP"))
    assert len(found) == 2


def test_comments_tell_rules_apart() -> None:
    one = "-A INPUT -m comment --comment a -j DROP"
    found, _ = import_both(table(one), table(one.replace(" a ", " b ")))
    assert [rule.origin.comment for rule in found[0].chains[0].rules] == ["a", "b"]


RULES = st.lists(st.sampled_from([f"-A INPUT -i eth{number} -j ACCEPT" for number in range(6)]), max_size=12)


@given(RULES, RULES)
def test_each_family_keeps_its_order(four: list[str], six: list[str]) -> None:
    found, _ = import_both(table(*four), table(*six))
    merged = [rule for chain in found[0].chains for rule in chain.rules]
    for family, lines in ((Family.IP, four), (Family.IP6, six)):
        own, _ = import_both(table(*lines), table())
        expected = [rule.matches for chain in own[0].chains for rule in chain.rules]
        assert [rule.matches for rule in _of(merged, family)] == expected


def _of(rules: list[Rule], family: Family) -> list[Rule]:
    return [rule for rule in rules if family in rule.families]


@given(st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(0, 9), max_size=30))
def test_pairs_are_the_same_and_rise(left: list[int], right: list[int]) -> None:
    pairs = common(left, right)
    assert all(left[a] == right[b] for a, b in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    if left == right:
        assert len(pairs) == len(left)
