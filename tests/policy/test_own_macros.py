"""The section `macros`: what `use` puts in the place of a macro of the policy's own."""

from __future__ import annotations

import pytest
from policies import HEAD, errors, policy, read

from polc.ir.matches import InterfaceMatch, Limit, PortTerm, ServiceMatch
from polc.ir.ruleset import BaseChain, Rule
from polc.ir.verdicts import Accept, Drop


def expanded(macros: str, *uses: str, chain: str = "input") -> tuple[Rule, ...]:
    found, *_ = read(policy(*uses, chain=chain, head=f"{HEAD}macros: {macros}\n")).chains
    assert isinstance(found, BaseChain)
    return found.rules


def places(macros: str, *uses: str, chain: str = "input") -> list[tuple[str, str]]:
    found = errors(policy(*uses, chain=chain, head=f"{HEAD}macros: {macros}\n"))
    return [(one.code, one.span.text) for one in found if one.span]


def ports(rules: tuple[Rule, ...]) -> list[int]:
    found = []
    for rule in rules:
        (match,) = (one for one in rule.matches if isinstance(one, ServiceMatch))
        (term,) = match.terms
        assert isinstance(term, PortTerm)
        assert term.dport
        found.append(term.dport.ranges[0][0])
    return found


def test_rules_stand_in_the_place_of_the_use() -> None:
    found = expanded("{m: [accept tcp/2, use n, drop tcp/4], n: [accept tcp/3]}", "accept tcp/1", "use m", "drop tcp/5")
    assert ports(found) == [1, 2, 3, 4, 5]
    assert [one.verdict for one in found] == [Accept(), Accept(), Accept(), Drop(), Drop()]


def test_a_macro_uses_builtin_ones() -> None:
    own = expanded("{m: [use stateful, accept tcp/1]}", "use m")
    builtin = expanded("{m: []}", "use m", "use stateful", "accept tcp/1")
    assert own == builtin


def test_an_empty_macro_is_no_rule() -> None:
    assert expanded("{m: []}", "use m") == ()


def test_names_and_comments() -> None:
    macros = '{m: [accept tcp/1, {rule: drop tcp/2 comment "own", id: two}, use n], n: [accept tcp/3]}'
    plain, named = "use m", "{use: m, id: one, comment: why}"
    found = expanded(macros, plain, named)
    # The name of a rule is its own id, or that of the nearest macro; the comment of a use is for all of its rules.
    assert [(one.origin.name, one.origin.comment) for one in found] == [
        ("m", ""), ("two", "own"), ("n", ""),
        ("one", "why"), ("two", "why"), ("n", "why"),
    ]  # fmt: skip
    assert [one.origin.span.text for one in found if one.origin.span] == [plain] * 3 + [named] * 3


def test_each_use_has_state_of_its_own() -> None:
    found = expanded("{m: [drop tcp/1 over 1/second]}", "use m", "use m")
    one, other = (match.table for rule in found for match in rule.matches if isinstance(match, Limit))
    assert one != other


def test_a_macro_means_what_its_chain_makes_of_it() -> None:
    head = "{m: [use loopback]}"
    (came,), (leaves,) = expanded(head, "use m"), expanded(head, "use m", chain="output")
    assert [type(one) for one in (*came.matches, *leaves.matches)] == [InterfaceMatch] * 2
    assert came.matches != leaves.matches


@pytest.mark.parametrize(
    ("macros", "circle", "labels"),
    [
        ("{m: [use m]}", "`m` -> `m`", 1),
        ("{m: [use n], n: [use o], o: [use n], p: [use m]}", "`n` -> `o` -> `n`", 2),
    ],
)
def test_a_circle_is_told_once(macros: str, circle: str, labels: int) -> None:
    for uses in ((), ("use m", "use m")):
        (one,) = errors(policy(*uses, head=f"macros: {macros}\n"))
        assert (one.code, one.message) == ("POL212", f"this definition comes back to itself: {circle}")
        assert len(one.labels) == labels


BAD = "{m: [accept tcp/1 from nowhere, acept, use nn, drop over 1/x], n: [use m]}"
SAID = [("POL201", "nowhere"), ("POL110", "acept"), ("POL204", "nn"), ("POL114", "1/x")]


@pytest.mark.parametrize("uses", [(), ("use m",), ("use m", "use m", "use n"), ("use n",)])
def test_errors_inside_are_told_once_where_they_are(uses: tuple[str, ...]) -> None:
    assert places(BAD, *uses) == SAID


def test_a_rule_must_fit_each_chain_that_uses_it() -> None:
    assert expanded("{m: [accept to lan]}", "use m", chain="output")
    assert places("{m: [accept to lan]}", "use m") == [("POL221", "lan")]
    assert places("{m: [accept where meta skuid 0]}", "use m") == [("POL241", "meta skuid")]


def test_builtin_names_are_taken() -> None:
    for name in ("stateful", "loopback", "icmp-essentials"):
        assert places(f"{{{name}: [accept]}}") == [("POL211", name)]


def test_near_names() -> None:
    (one,) = errors(policy("use gaurd", head="macros: {guard: [drop]}\n"))
    assert (one.code, one.help) == ("POL204", "did you mean `guard`?")


def test_an_id_stands_once_in_a_macro() -> None:
    assert places("{m: [{rule: accept tcp/1, id: x}, {rule: accept tcp/2, id: x}]}", "use m") == [("POL210", "x")]
    # Those of different macros, and of the chains, are apart: the rules of a macro may come several times.
    macros = "{m: [{rule: accept tcp/1, id: x}], n: [{rule: accept tcp/2, id: x}]}"
    found = expanded(macros, "use m", "use n", "use m", "{rule: accept tcp/3, id: x}")
    assert [one.origin.name for one in found] == ["x"] * 4


def test_a_macro_that_breaks_the_schema_is_known_to_the_rules() -> None:
    assert places("{m: accept}", "use m") == [("POL102", "accept")]


def test_nat_has_no_macros() -> None:
    (one,) = errors("polc: 1\nmacros: {m: [masquerade]}\nnat: [use m]\n")
    assert (one.code, one.message, one.span and one.span.text) == ("POL241", "a macro has no place in `nat`", "m")
