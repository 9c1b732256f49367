"""Law 1: what the nft target writes is read as what was written, from what is emitted and from what nft lists of it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from node_samples import SAMPLES
from strategies import rulesets

from polc.backends.model import Options
from polc.backends.nft import marks
from polc.backends.nft.backend import NftBackend
from polc.diagnostics import Collector
from polc.importers.nft_json import read_nft_json
from polc.ir.canonical import differences
from polc.ir.ruleset import Ruleset
from polc.source import SourceFile

APART = {"native"} | {
    name for name in SAMPLES if name.startswith(("copy bits", "on the list", "on no list", "lately on"))
}
"""Words of a target; bits of marks, which are copied by a rule each; and lists of xt_recent, which are sets."""


def imported(text: str) -> Ruleset:
    (found,) = read_nft_json(SourceFile("ruleset.nft.json", text), Collector())
    return found


def emitted(ruleset: Ruleset) -> str | None:
    """None: something of it is refused or only near to what is meant."""
    output = NftBackend().emit(ruleset, Options("json"))
    if output.deviations:
        return None
    (file,) = output.files
    return file.text


def rule_for_rule(ruleset: Ruleset) -> bool:
    """Whether no rule takes two in nft: what stands behind the mark of a flow has a rule of its own, which is the same
    for packets and another ruleset (tests/differential/found/marks-of-no-flow.yaml).
    """
    return not any(marks.before_the_rest(rule, lambda: "x") for chain in ruleset.chains for rule in chain.rules)


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - APART))
def test_every_node_is_read_as_what_it_is(name: str) -> None:
    ruleset = SAMPLES[name].ruleset()
    text = emitted(ruleset)
    if text is not None:
        assert differences(ruleset, imported(text)) == ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rulesets(hit_counts=False, fields=True))
def test_any_ruleset_is_read_as_what_it_is(one: Ruleset) -> None:
    text = emitted(one)
    if text is not None and rule_for_rule(one):
        assert differences(one, imported(text)) == (), text
