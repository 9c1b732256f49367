"""Every kind of node and every member of an enumeration, on every target: exact, or a deviation that has a name."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import get_args

import pytest
from node_samples import SAMPLES, parts_of

from polc.backends.model import Fidelity, Options
from polc.backends.registry import BACKENDS
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressType,
    CtState,
    Direction,
    ExtensionHeader,
    FlagField,
    Match,
    NameField,
    ServiceTerm,
    Side,
    Syntax,
    Trait,
)
from polc.ir.ruleset import ChainType, Hook, Priority, TableFamily
from polc.ir.selectors import Conntrack, KeyType, Transport
from polc.ir.stateful import Amount, KeyField, RecentVerb, Unit
from polc.ir.statements import CtDirection, HopChange, LogFlag, LogLevel, MarkField, SetOperation, Statement
from polc.ir.verdicts import MapVerdict, NatKind, RejectType, Verdict

ENUMERATIONS: tuple[type[Enum], ...] = (
    Field, AddressType, CtState, Direction, FlagField, NameField, Side, Trait, ChainType, Hook, Priority,
    Amount, KeyField, Unit, LogLevel, MarkField, NatKind, RejectType, Transport, Conntrack, KeyType, ExtensionHeader,
    Syntax, RecentVerb, LogFlag, CtDirection, SetOperation, HopChange, TableFamily,
)  # fmt: skip
FORMATS = [(name, one) for name, backend in BACKENDS.items() for one in backend.formats]

_NO = Fidelity.REFUSED
DEVIATIONS: dict[str, dict[tuple[Fidelity, str], set[str]]] = {
    "nft": {
        (Fidelity.APPROXIMATE, "hits-as-ban"): {"hits", "hits refreshed"},
        (Fidelity.APPROXIMATE, "recent-as-set"): {
            "off the list",
            "often on the list",
            "on the list",
            "on the list now",
        },
        (_NO, "refused"): {
            "decrease hops",
            "duplicate",
            "duplicate by a device",
            "increase hops",
            "leaving a device",
            "strip options",
            "target of iptables",
            "with the TTL of the list",
            "words of iptables",
        },
    },
    "iptables": {
        (_NO, "ct-status"): {"status dying"},
        (_NO, "address-type"): {"daddr blackhole", "daddr prohibit", "daddr unicast", "daddr unreachable"},
        (_NO, "ip6-fragment"): {"fragment False", "fragment True"},
        (_NO, "limit-bytes"): {"limit of bytes", "limit of bytes by source"},
        (_NO, "field-value"): {"meta protocol False"},
        (_NO, "one-second"): {"meta hour True"},
        (_NO, "conntrack-zone"): {"ct zone False", "ct zone True"},
        (_NO, "named-counter"): {"named counter", "named counter from a number"},
        (Fidelity.APPROXIMATE, "set-fixed"): {
            "flows' marks in a set",
            "interfaces in a set",
            "marks in a set",
            "states in a set",
        },
        (_NO, "set-key"): {
            "add a pair",
            "delete a pair",
            "pairs by the other end",
            "pairs in a set",
            "ports in a set",
            "update ports",
        },
        (_NO, "field"): {
            f"{name} {negated}"
            for name in ("ether daddr", "ether type", "meta priority", "vlan id")
            for negated in (False, True)
        },
        (_NO, "realm-family"): {"meta rtclassid False", "meta rtclassid True"},
        (_NO, "opaque"): {"statement of nft", "words of nft"},
        (_NO, "ct-timeout"): {"timeout", "timeout of IPv4"},
        (_NO, "flowtable"): {"offload"},
        (_NO, "base-chain"): {"arriving"},
        (_NO, "table-family"): {"arp", "bridge", "bridge of IPv4", "device", "leaving a device"},
    },
}
"""What of the samples a target does not hold exactly, by the name of the deviation; the rest it does."""

OF_A_FORMAT: dict[str, dict[tuple[Fidelity, str], set[str]]] = {
    "json": {(_NO, "refused"): {"arriving", "device", "offload", "timeout", "timeout of IPv4"}},
    "text": {(_NO, "refused"): {"statement of nft", "words of nft"}},
}
"""What one format of nft does not hold besides."""


def parts() -> set[object]:
    return {
        part
        for sample in SAMPLES.values()
        for part in (*parts_of(sample.rule), *parts_of(sample.place), *parts_of(sample.ruleset().sets))
    }


@pytest.mark.parametrize("union", [Match, Statement, Verdict, MapVerdict, ServiceTerm])
def test_every_kind_of_node_has_a_sample(union: object) -> None:
    assert {*get_args(union)} - {type(one) for one in parts()} == set()


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda one: one.__name__)
def test_every_member_has_a_sample(enumeration: type[Enum]) -> None:
    assert {*enumeration} - parts() == set()


@pytest.mark.parametrize(("target", "format"), FORMATS)
def test_each_is_exact_or_deviates_by_a_name(target: str, format: str) -> None:
    found: dict[tuple[Fidelity, str], set[str]] = {}
    for name, sample in SAMPLES.items():
        for one in BACKENDS[target].emit(sample.ruleset(), Options(format)).deviations:
            assert one.message, name
            found.setdefault((one.fidelity, one.name), set()).add(name)
    wanted = DEVIATIONS[target]
    besides = OF_A_FORMAT.get(format, {})
    assert found == {kind: wanted.get(kind, set()) | besides.get(kind, set()) for kind in (*wanted, *besides)}


@pytest.mark.parametrize(("target", "format"), FORMATS)
def test_a_refused_rule_is_in_no_file_and_each_other_in_one(target: str, format: str) -> None:
    """Rule by rule, since a rule that speaks of both families may be refused in one."""
    backend = BACKENDS[target]
    for name, sample in SAMPLES.items():
        ruleset = sample.ruleset()
        base, *others = ruleset.chains
        bare = replace(ruleset, chains=(replace(base, rules=()), *others))
        without = backend.emit(bare, Options(format)).files
        for rule in base.rules:
            output = backend.emit(replace(bare, chains=(replace(base, rules=(rule,)), *others)), Options(format))
            refused = any(one.fidelity is _NO for one in output.deviations)
            assert (output.files == without) is refused, name
