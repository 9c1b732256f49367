"""State that packets of IPv4 and IPv6 share, as in inet tables of nft: exact there, and told of on iptables."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from nft_reading import ACCEPT, DPORT, DROP, match, meta, payload, ruleset

from polc.backends.model import Fidelity, Options, Output
from polc.backends.registry import BACKENDS
from polc.importers.nft_json.json_value import Object
from polc.ir.canonical import differences
from polc.ir.ruleset import BaseChain, ChainType, Hook, Ruleset
from polc.ir.stateful import Connections, Limit, Quota
from polc.ir.verdicts import Accept
from polc.lift.lift import lift
from polc.passes import pipeline
from polc.simulate import Fate, Flavour, Loaded, Simulator, assumed_host, read_packet

LIMIT: Object = {"limit": {"rate": 5, "per": "minute", "burst": 5}}
QUOTA: Object = {"quota": {"val": 400, "val_unit": "bytes"}}
COUNT: Object = {"ct count": {"val": 3}}
KEYED: Object = {"meter": {"name": "m", "key": DPORT, "stmt": LIMIT, "size": 100}}
SAME_WORDS = [match(DPORT, 22)]
OTHER_WORDS = [match(meta("l4proto"), {"set": ["icmp", "ipv6-icmp"]})]


def at_input(found: Ruleset) -> Ruleset:
    first, *rest = found.chains
    base = BaseChain("c", ChainType.FILTER, Hook.INPUT, 0, Accept(), first.rules)
    return replace(found, chains=(base, *rest))


def written(found: Ruleset, target: str, form: str) -> Output:
    return BACKENDS[target].emit(pipeline.run(found), Options(form))


def states(output: Output) -> int:
    """How many limits, quotas and counts there are in the JSON of nft."""
    text = output.files[0].text
    items = json.loads(text)["nftables"]
    named = sum(1 for one in items if {"limit", "quota"} & (one.get("add") or one).keys())
    inline = sum(
        isinstance(one.get(kind), dict)
        for item in items
        if (rule := (item.get("add") or item).get("rule"))
        for one in rule["expr"]
        for kind in ("limit", "quota", "ct count", "meter")
    )
    return named + inline


@pytest.mark.parametrize("asked", [SAME_WORDS, OTHER_WORDS], ids=["same words", "other words"])
@pytest.mark.parametrize("counted", [LIMIT, QUOTA], ids=["limit", "quota"])
def test_nft_has_one(asked: list[Object], counted: Object) -> None:
    found = ruleset([*asked, counted, ACCEPT])
    output = written(found, "nft", "json")
    assert output.deviations == ()
    assert states(output) == 1


@pytest.mark.parametrize("counted", [COUNT, KEYED], ids=["count", "limit by port"])
def test_counts_and_keys(counted: Object) -> None:
    output = written(ruleset([*SAME_WORDS, counted, ACCEPT]), "nft", "json")
    assert output.deviations == ()
    assert states(output) == 1


@pytest.mark.parametrize("counted", [LIMIT, QUOTA, COUNT], ids=["limit", "quota", "count"])
def test_iptables_has_one_for_each_family(counted: Object) -> None:
    output = written(at_input(ruleset([*SAME_WORDS, counted, ACCEPT])), "iptables", "restore")
    assert {(one.fidelity, one.name) for one in output.deviations} == {(Fidelity.APPROXIMATE, "limit-per-family")}
    assert len([one for one in output.files if "--dport 22" in one.text]) == 2


def test_of_one_family_it_is_exact() -> None:
    address = match(payload("ip", "saddr"), "192.0.2.1")
    output = written(at_input(ruleset([address, LIMIT, ACCEPT])), "iptables", "restore")
    assert output.deviations == ()


@pytest.mark.parametrize(("flavour", "let_through"), [(Flavour.NFT, 5), (Flavour.IPTABLES, 10)])
def test_the_simulator_counts_both(flavour: Flavour, let_through: int) -> None:
    found = pipeline.run(at_input(ruleset([*SAME_WORDS, LIMIT, ACCEPT], [*SAME_WORDS, DROP])))
    host = assumed_host([found], ["eth0"])
    simulator = Simulator([Loaded(found, flavour)], host)
    fates = [
        simulator.send(read_packet(f"tcp {source}:{port} -> host:22 in eth0", host)).fate
        for port in range(1, 9)
        for source in ("198.51.100.9", "[2001:db8::9]")
    ]
    assert fates.count(Fate.ACCEPT) == let_through


def test_it_is_not_the_same_as_one_for_each() -> None:
    shared = pipeline.run(ruleset([*SAME_WORDS, LIMIT, ACCEPT]))
    own = pipeline.run(
        replace(
            shared,
            chains=tuple(
                replace(
                    one,
                    rules=tuple(
                        replace(
                            rule,
                            matches=tuple(
                                replace(each, both=False) if isinstance(each, Limit | Quota | Connections) else each
                                for each in rule.matches
                            ),
                        )
                        for rule in one.rules
                    ),
                )
                for one in shared.chains
            ),
        )
    )
    assert differences(shared, shared) == ()
    assert differences(shared, own) != ()


def test_a_policy_has_no_words_for_it() -> None:
    lifted = lift(at_input(ruleset([*SAME_WORDS, LIMIT, ACCEPT])))
    assert lifted.refused or any("both families" in one.reason for one in lifted.natives)
