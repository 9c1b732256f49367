"""Policies in a text, asked."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.ir.flavour import Flavour
from polc.policy.assertion import Asserted
from polc.policy.assertion_text import read_assertion
from polc.policy.lower.classes import Names
from polc.policy.nodes import Scalar
from polc.policy.read import Inspection, inspect_source
from polc.proving.ask import Asked, answers
from polc.proving.model import Answer
from polc.source import SourceFile
from polc.symbolic.hooks import Loaded

HEAD = """\
polc: 1
zones: {wan: eth0, lan: eth1, dmz: {interfaces: eth2, addresses: [192.0.2.0/24]}}
addresses: {admins: [198.51.100.0/24], banned: {dynamic: true, timeout: 1h, size: 100}}
"""


def policy(text: str) -> Inspection:
    return inspect_source(SourceFile("policy.yaml", text if text.startswith("polc") else HEAD + text), Collector())


def written(text: str) -> Asserted:
    source = SourceFile("ASSERTION", text)
    return Asserted(read_assertion(Scalar(text, source.span(0, len(text)), 0)), text)


def ask(text: str, *assertions: str, others: dict[str, str] | None = None, budget: int = 1_000_000) -> list[Answer]:
    """What is answered about the policy; ``others`` are policies by the paths that assertions name."""
    inspected = policy(text)

    def loaded(one: Inspection) -> list[Loaded]:
        return [Loaded(one.ruleset, Flavour.NFT)]

    asked = Asked(
        "policy.yaml", loaded(inspected), Names(inspected.symbols, inspected.settings),
        lambda path: loaded(policy((others or {})[path])),
    )  # fmt: skip
    return list(answers(asked, [written(one) for one in assertions], budget=budget))
