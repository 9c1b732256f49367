"""The section `chains`: `jump`, `goto` and `return`, and what is said of chains that lead nowhere right."""

from __future__ import annotations

import pytest
from policies import errors, read

from polc.ir.matches import CtStateMatch, FieldMatch, InterfaceMatch
from polc.ir.ruleset import BaseChain, RegularChain, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, Return, Verdict
from polc.policy.lower.sections import BASE_CHAINS


def regular(ruleset: Ruleset) -> dict[str, tuple[Rule, ...]]:
    return {one.name: one.rules for one in ruleset.chains if isinstance(one, RegularChain)}


def verdicts(rules: tuple[Rule, ...]) -> list[Verdict | None]:
    return [one.verdict for one in rules]


def places(text: str) -> list[tuple[str, str]]:
    """Code and text of each error."""
    return [(one.code, one.span.text) for one in errors(text) if one.span]


def test_jump_goto_and_return() -> None:
    ruleset = read(
        "polc: 1\n"
        "chains: {one: [return tcp/1, jump two tcp/2, goto two], two: [drop tcp/3]}\n"
        "input: {default: drop, rules: [jump one from 192.0.2.1]}\n"
    )
    base, *_ = ruleset.chains
    assert isinstance(base, BaseChain)
    assert verdicts(base.rules) == [Jump("one")]
    found = regular(ruleset)
    assert list(found) == ["one", "two"]
    assert verdicts(found["one"]) == [Return(), Jump("two"), Goto("two")]
    assert verdicts(found["two"]) == [Drop()]


def test_an_empty_chain_and_one_that_nothing_leads_to_are_kept() -> None:
    text = "polc: 1\nchains: {none: [], lone: [use loopback, use icmp-essentials, accept where meta skuid 0]}\n"
    found = regular(read(text))
    assert found["none"] == ()
    assert any(isinstance(one, FieldMatch) for one in found["lone"][-1].matches)


def test_chains_come_in_the_order_of_their_files_definitions_and_after_those_of_the_kernel() -> None:
    text = "polc: 1\nchains: {z: [drop], a: [drop]}\noutput: {default: drop}\ninput: {default: drop, rules: [jump a]}\n"
    assert [one.name for one in read(text).chains] == ["input", "output", "z", "a"]


@pytest.mark.parametrize(
    ("chains", "circle", "labels"),
    [
        ("{a: [jump a]}", "`a` -> `a`", 1),
        ("{a: [goto b], b: [jump a]}", "`a` -> `b` -> `a`", 2),
        ("{a: [jump b], b: [goto c], c: [jump a], d: [jump a]}", "`a` -> `b` -> `c` -> `a`", 3),
    ],
)
def test_a_circle_is_told_once(chains: str, circle: str, labels: int) -> None:
    (one,) = errors(f"polc: 1\nchains: {chains}\ninput: {{default: drop, rules: [jump a]}}\n")
    assert (one.code, one.message) == ("POL212", f"this definition comes back to itself: {circle}")
    assert len(one.labels) == labels


def test_a_circle_through_a_macro() -> None:
    (one,) = errors("polc: 1\nmacros: {m: [jump a]}\nchains: {a: [use m]}\n")
    assert (one.code, one.span and one.span.text) == ("POL212", "a")
    assert one.span is not None
    assert one.span.line == 2


def test_two_ways_to_a_chain_are_no_circle() -> None:
    text = "polc: 1\nchains: {a: [jump c, jump b], b: [jump c], c: [drop]}\ninput: {default: drop, rules: [jump a]}\n"
    assert len(read(text).chains) == 4


def test_unknown_chains_are_told_at_the_name() -> None:
    text = "polc: 1\nchains: {guard: [drop]}\ninput: {default: drop, rules: [jump gaurd, goto nowhere tcp/1]}\n"
    near, far = errors(text)
    assert (near.code, near.message, near.help) == ("POL245", "there is no chain `gaurd`", "did you mean `guard`?")
    assert (far.code, far.message, far.help) == ("POL245", "there is no chain `nowhere`", "")
    assert (near.span and near.span.text, far.span and far.span.text) == ("gaurd", "nowhere")


def test_a_chain_that_breaks_the_schema_is_known_to_the_rules() -> None:
    text = "polc: 1\nchains: {a: drop}\ninput: {default: drop, rules: [jump a]}\n"
    assert places(text) == [("POL102", "drop")]


@pytest.mark.parametrize("name", sorted(BASE_CHAINS))
def test_names_of_the_kernels_chains_are_taken(name: str) -> None:
    (one,) = errors(f"polc: 1\nchains: {{{name}: [drop]}}\n")
    assert (one.code, one.span and one.span.text) == ("POL211", name)


@pytest.mark.parametrize("name", ["over", "accept", "from"])
def test_words_of_the_language_are_no_names(name: str) -> None:
    assert places(f"polc: 1\nchains: {{{name}: [drop]}}\n") == [("POL211", name)]


ONE_PLACE = [
    # Each rule stands in a chain that the first section leads to; the second makes it wrong.
    ("accept where meta skuid 0", "output", "input", "meta skuid", "POL241"),
    ("accept where ether saddr 02:00:5e:00:53:01", "input", "output", "ether saddr", "POL241"),
    ("synproxy mss 1460 wscale 7 tcp/80", "input", "output", "synproxy mss 1460 wscale 7", "POL241"),
]


@pytest.mark.parametrize(("rule", "right", "wrong", "words", "code"), ONE_PLACE)
def test_a_rule_must_fit_every_hook_that_leads_to_its_chain(
    rule: str, right: str, wrong: str, words: str, code: str
) -> None:
    head = f'polc: 1\nzones: {{lan: eth1}}\nchains: {{outer: [jump inner], inner: ["{rule}"]}}\n'
    first = f"{right}: {{default: drop, rules: [jump outer]}}\n"
    second = f"{wrong}: {{default: drop, rules: [goto inner]}}\n"
    assert regular(read(head + first))["inner"]
    assert places(head + first + second) == [(code, words)]
    (one,) = errors(head + second)
    assert one.code == code


@pytest.mark.parametrize(
    ("rule", "some", "none"), [("accept from lan", "input", "output"), ("drop to lan", "forward", "input")]
)
def test_a_zone_may_be_asked_for_where_some_packets_of_a_chain_have_an_interface(
    rule: str, some: str, none: str
) -> None:
    head = f'polc: 1\nzones: {{lan: eth1}}\nchains: {{inner: ["{rule}"]}}\n'
    with_it, without = (f"{one}: {{default: drop, rules: [jump inner]}}\n" for one in (some, none))
    assert regular(read(head + with_it + without))["inner"]
    assert places(head + without) == [("POL221", "lan")]


def test_a_place_error_names_the_chain_and_says_why() -> None:
    text = "polc: 1\nchains: {a: [jump b], b: [accept state new]}\nraw: {prerouting: [jump a]}\n"
    (one,) = errors(text)
    assert (one.code, one.message) == ("POL241", "`state` cannot stand in `b`")
    assert one.labels[0].message == "connection tracking has not seen the packet there yet"


def test_a_macro_that_jumps_leads_its_hook_to_the_chain() -> None:
    text = "polc: 1\nmacros: {m: [use n], n: [jump b]}\nchains: {b: [accept state new]}\nraw: {prerouting: [use m]}\n"
    assert places(text) == [("POL241", "state new")]


@pytest.mark.parametrize(
    ("macro", "sections", "reason"),
    [
        ("icmp-essentials", "input forward", "its rules differ between the chains that lead here; use it in those"),
        ("loopback", "input output", "its rules differ between the chains that lead here; use it in those"),
        ("loopback", "input forward", "the kernel never forwards between the loopback interface and another"),
    ],
)
def test_a_builtin_macro_whose_rules_differ_by_hook(macro: str, sections: str, reason: str) -> None:
    head = f"polc: 1\nchains: {{a: [use {macro}]}}\n"
    both = "".join(f"{one}: {{default: drop, rules: [jump a]}}\n" for one in sections.split())
    (one,) = errors(head + both)
    assert (one.code, one.message) == ("POL222", f"`use {macro}` has no meaning in `a`: {reason}")
    assert regular(read(head + "input: {default: drop, rules: [jump a]}\n"))["a"]


def test_a_builtin_macro_that_is_alike_everywhere() -> None:
    text = "polc: 1\nchains: {a: [use stateful]}\n" + "".join(
        f"{one}: {{default: drop, rules: [jump a]}}\n" for one in ("input", "forward", "output")
    )
    (known, invalid) = regular(read(text))["a"]
    assert all(isinstance(one.matches[0], CtStateMatch) for one in (known, invalid))
    assert verdicts((known, invalid)) == [Accept(), Drop()]


def test_a_zone_in_a_chain_of_one_hook() -> None:
    text = "polc: 1\nzones: {lan: eth1}\nchains: {a: [accept from lan to lan]}\n"
    (rule,) = regular(read(text + "forward: {default: drop, rules: [jump a]}\n"))["a"]
    assert all(isinstance(one, InterfaceMatch) for one in rule.matches)


REJECT = "input: {default: reject, rules: [%s]}\n"


def last_rules(rules: str, chains: str = "{a: [return tcp/1, goto b tcp/2, drop tcp/3], b: []}") -> Ruleset:
    return read(f"polc: 1\nchains: {chains}\n" + REJECT % rules)


def test_return_under_default_reject_rejects() -> None:
    base, *_ = last_rules("return udp/2, accept udp/3").chains
    assert isinstance(base, BaseChain)
    assert base.policy == Drop()
    assert verdicts(base.rules) == [Reject(), Accept(), Reject()]
    assert [len(one.matches) for one in base.rules] == [1, 1, 0]


def test_goto_under_default_reject_comes_back_to_a_reject() -> None:
    found = last_rules('goto a udp/1 log "x", goto a where meta mark 1, accept udp/2')
    base, *_ = found.chains
    assert isinstance(base, BaseChain)
    first, second, accept, last = base.rules
    # Not the rule's matches a second time: `a` may have set a mark.
    assert isinstance(first.verdict, Jump)
    behind = regular(found)[first.verdict.chain]
    assert verdicts(behind) == [Jump("a"), Reject()]
    assert [(one.matches, one.statements) for one in behind] == [((), ())] * 2
    assert verdicts((second, accept, last)) == [first.verdict, Accept(), Reject()]
    assert len(first.statements) == 1
    assert last.matches == ()
    assert last.origin.name == behind[1].origin.name == "default"


def test_in_chains_below_default_reject_nothing_changes() -> None:
    found = regular(last_rules("jump a"))
    assert verdicts(found["a"]) == [Return(), Goto("b"), Drop()]


def test_a_goto_that_counts_does_so_once_under_default_reject() -> None:
    found = last_rules("goto a tcp/9 limit 1/second")
    base, *_ = found.chains
    assert isinstance(base, BaseChain)
    assert [len(one.matches) for one in base.rules] == [2, 0]
    (jump, _) = verdicts(base.rules)
    assert isinstance(jump, Jump)
    assert verdicts(regular(found)[jump.chain]) == [Jump("a"), Reject()]


@pytest.mark.parametrize("default", ["accept", "drop"])
def test_return_and_goto_stay_under_other_defaults(default: str) -> None:
    text = f"polc: 1\nchains: {{a: [drop]}}\ninput: {{default: {default}, rules: [return tcp/1, goto a]}}\n"
    base, *_ = read(text).chains
    assert verdicts(base.rules) == [Return(), Goto("a")]


def test_all_errors_of_chains_are_told_at_once() -> None:
    text = "polc: 1\nchains: {a: [acept, accept tcp/1 from nowhere], b: 'x'}\ninput: {default: drop, rules: [jump a]}\n"
    assert places(text) == [("POL110", "acept"), ("POL201", "nowhere"), ("POL102", "'x'")]
