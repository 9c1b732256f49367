"""What random policies say, in the words of ``meanings.py``, is what the kernel does with real packets on every loader.

POLC_AGREEMENT_EXAMPLES sets how many policies are tried; without it the same few are.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from gateway import ask, gateway
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from meanings import Policy, packets, policies
from packet_text import Packet

from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.kernel.loaders import LOADERS

EXAMPLES = int(os.environ.get("POLC_AGREEMENT_EXAMPLES", "0"))


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "hashlimit")
@settings(
    max_examples=EXAMPLES or 15, derandomize=not EXAMPLES, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
@given(policies(), st.lists(packets(), min_size=20, max_size=40))
def test_the_kernel_does_what_the_words_say(policy: Policy, sent: list[Packet]) -> None:
    wanted: list[str] | None = None
    for loader in LOADERS:
        refused: set[str] = set()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "policy.yaml"
            path.write_text(policy.text())
            try:
                output = compile_policy(str(path), loader.target)
            except Failure as failure:
                refused = {one.code for one in failure.diagnostics}
        if refused:
            # A rule that nothing can match, or chains that a target cannot leave so.
            assert refused <= {"POL220", "POL243", "POL247", "POL402"}, refused
            event(f"{loader.name}: refused by {sorted(refused)}")
            assume(loader.target != "nft")
            continue
        if wanted is None:
            wanted = [policy.verdict(packet) for packet in sent]
        with gateway() as namespace:
            loader.load(namespace, output)
            seen = [fate.verdict for fate in ask(namespace, sent)]
        wrong = [
            f"{loader.name}: {packet}: {found}, not {right}"
            for packet, found, right in zip(sent, seen, wanted, strict=True)
            if found != right
        ]
        assert not wrong, "\n".join([policy.text(), *wrong])
