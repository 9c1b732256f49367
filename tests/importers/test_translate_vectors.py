"""The vectors of iptables-translate: what polc makes of a command, beside what its authors say that nft has for it.

Both are loaded; the same is what nft lists in the same words, or what means the same. What differs on purpose stands
in ``BETTER``, with the reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache

import pytest
from corpus import CORPUS, NEEDED
from test_nft_vectors import imported

from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.backends.profile import PROFILES
from polc.diagnostics import Collector, Failure
from polc.importers.iptables.read import Input, Kind, read
from polc.importers.iptables.tables import base
from polc.ir.canonical import differences
from polc.ir.origin import Origin
from polc.ir.ruleset import Rule
from polc.kernel.netns import Namespace
from polc.passes import pipeline
from polc.source import SourceFile

BAR = 0.97

BETTER: dict[str, str] = {}
"""Commands for which polc's answer is another one, and why it is the better one."""

_RULE = re.compile(r"nft '?(?:add|insert) rule (ip6?) (\w+) (\w+) (.*?)'?\s*")
_SET = re.compile(r"nft '?add set (ip6?) (\w+) (.*?)'?\s*")


@dataclass(frozen=True)
class Vector:
    number: int
    command: str
    family: str
    expected: tuple[str, ...]

    def theirs(self) -> str:
        """A table of nft with what is expected; empty where that is no rule."""
        lines = []
        for one in self.expected:
            if found := _SET.fullmatch(one):
                lines.append(f"add set {found[1]} t {found[3]}")
            elif found := _RULE.fullmatch(one):
                table, chain, rule = found[2], found[3], found[4]
                at = base(table, chain.upper())
                kind = f"type {at.type.value} hook {at.hook.value} priority {at.priority}"
                lines += [f"add chain {found[1]} t {at.name} {{ {kind}; }}"]
                # Counters are polc's to give where the file has numbers for them.
                plain = re.sub(r" counter(?= |$)", "", f" {rule}").strip()
                lines += [f"add rule {found[1]} t {at.name} {plain}"] if plain else []
            else:
                return ""
        return "\n".join([f"add table {self.family} t", *lines, ""])

    def ours(self) -> str | None:
        """None: it is refused, or left in its own words."""
        kind = "iptables" if self.family == "ip" else "ip6tables"
        command = re.sub(r"^ip6?tables-translate", kind, self.command)
        # Some are in small letters, which iptables has for chains of one's own.
        command = re.sub(r"(?<=-[AI] )(?:input|forward|output|prerouting|postrouting)\b", _upper, command)
        try:
            (found,) = read([Input(SourceFile("vector", command + "\n"), Kind.SCRIPT)], Collector(), "t")
        except Failure:
            return None
        chains = tuple(replace(chain, rules=tuple(map(_plain, chain.rules))) for chain in found.chains)
        ruleset = pipeline.run(replace(found, chains=chains))
        output = NftBackend().emit(ruleset, Options("text", PROFILES["debian-12"]))
        return None if any(one.fidelity is not Fidelity.EXACT for one in output.deviations) else output.files[0].text


def _upper(found: re.Match[str]) -> str:
    return found[0].upper()


def _plain(rule: Rule) -> Rule:
    return replace(rule, origin=Origin(comment=rule.origin.comment))


@cache
def vectors() -> tuple[Vector, ...]:
    lines = (CORPUS / "iptables-translate-vectors.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple(
        Vector(number, row["command"], row["family"], tuple(row["expected_nft"])) for number, row in enumerate(rows)
    )


def listed(namespace: Namespace, text: str) -> tuple[str, str] | None:
    """What nft lists, as text and as JSON; None where it does not load."""
    commands = f"flush ruleset\n{text}\n"
    if namespace.run(["nft", "-f", "-"], input=commands).returncode:
        return None
    plain = namespace.run(["nft", "list", "ruleset"]).stdout
    return plain, namespace.run(["nft", "-j", "list", "ruleset"]).stdout


def rules(text: str) -> list[str]:
    return [
        line.strip() for line in text.splitlines() if not re.match(r"\s*(table|chain|type|set|size|flags|\}|$)", line)
    ]


def outcome(namespace: Namespace, vector: Vector) -> str:
    theirs, ours = vector.theirs(), vector.ours()
    if not theirs:
        return "no rule"
    if ours is None:
        return "not exact"
    wanted, found = listed(namespace, theirs), listed(namespace, ours)
    if found is None and wanted is None:
        # What this kernel was built without: the words themselves.
        wanted_words = [line.split(" ", 5)[5] for line in theirs.splitlines() if line.startswith("add rule")]
        return "same words" if wanted_words == rules(ours)[2:] else f"neither loads\n      {wanted_words} {rules(ours)[2:]}"
    if wanted is None:
        return "theirs does not load"
    assert found is not None, (vector.command, ours)
    if rules(wanted[0]) == rules(found[0]):
        return "same words"
    apart = differences(imported(wanted[1]), imported(found[1]))
    return "same meaning" if not apart else f"differs\n      {rules(wanted[0])}\n      {rules(found[0])}"


@NEEDED
@pytest.mark.kernel("nft", "conntrack")
def test_vectors(scratch: Namespace) -> None:
    found = {one.command: outcome(scratch, one) for one in vectors()}
    counts = {
        kind: sum(one.startswith(kind) for one in found.values())
        for kind in sorted({one.split("\n")[0] for one in found.values()})
    }
    print(counts)
    for command, one in found.items():
        if one not in ("same words", "same meaning"):
            print(command, ":", one)
    good = sum(one.startswith("same") or command in BETTER for command, one in found.items())
    assert good >= BAR * len(found), f"{good} of {len(found)}: {counts}"
