"""Reading policies in tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.policy import read_policy


def read_bytes(data: bytes, name: str = "policy.yaml") -> Ruleset | tuple[Diagnostic, ...]:
    """The ruleset of a policy file with this content, or what is wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        collector = Collector()
        try:
            return read_policy(str(path), collector)
        except Failure as failure:
            found = failure.diagnostics
    assert found
    return found


def read(text: str) -> Ruleset:
    found = read_bytes(text.encode())
    assert isinstance(found, Ruleset), found
    return found


def errors(text: str) -> tuple[Diagnostic, ...]:
    found = read_bytes(text.encode())
    assert not isinstance(found, Ruleset), "the policy is accepted"
    return found


def codes(text: str) -> list[str]:
    return [one.code for one in errors(text)]


def policy(*rules: str, chain: str = "input", head: str = "") -> str:
    lines = "".join(f"    - {rule}\n" for rule in rules)
    return f"polc: 1\n{head}{chain}:\n  default: drop\n" + (f"  rules:\n{lines}" if rules else "")


HEAD = """\
zones: {wan: eth0, lan: [eth1, "wg*"]}
addresses: {admins: [198.51.100.0/24, 203.0.113.7, "2001:db8:10::/48"], four: 192.0.2.0/24}
services: {web: "tcp/80,443", files: {ports: tcp/21, helper: ftp}}
"""


def rules(*written: str, chain: str = "input") -> tuple[Rule, ...]:
    """The rules of one chain, with the names of ``HEAD``."""
    (found,) = read(policy(*written, chain=chain, head=HEAD)).chains
    assert isinstance(found, BaseChain)
    return found.rules


def error(rule: str, chain: str = "input") -> tuple[str, str, str]:
    """Code, message and the text pointed at of the one error of a rule."""
    (one,) = errors(policy(rule, chain=chain, head=HEAD))
    assert one.span is not None
    return one.code, one.message, one.span.text
