"""The vectors of iptables-translate: what polc makes of a command, beside what its authors say that nft has for it.

Both are loaded; the same is what nft lists in the same words, or what means the same. What differs on purpose stands
in ``BETTER``, with the reason.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
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

BETTER: tuple[tuple[str, str], ...] = (
    ("-F -t nat", "a flush before there is anything leaves nothing"),
    (r"-s 10\.11\.12\.13/255\.0\.255\.0", "the same addresses, as the 256 networks that they are"),
    (r"! -s (0\.0\.0\.0/0|::/0)|! -i \+", "no packet can meet it, so it is left out, with a note"),
    (r"--(ahlen 120|ahres|fragres)", "lengths are bytes to iptables and units to nft; reserved bits have to be zero"),
    (r"--(hbh|rt)-len 22", "no such header has 22 bytes: iptables compares bytes, and nft units of eight"),
    (r"--set-xmark 0x16/0x12", "the mask clears bits before the value is applied, which theirs does afterwards"),
    (r"\[fec0::1234-fec0::2000\]:1-20", "theirs does not load"),
    ("-m cluster", "the first node is that of hash 0, where theirs takes the next; of several the same, for any table"),
    (r"--ctorigsrc 10\.100\.0\.0", "theirs lost the mask, and the address is turned round"),
    (r"--dst-group 0xc/0xc", "theirs asks for the opposite"),
    (
        r"--hashlimit-above 20kb/s",
        "the burst is beside what a second brings, as hashlimit has it",
    ),
    (
        r"--hashlimit-upto 300 ",
        "the state is asked behind what counts, in a chain of its own",
    ),
    (r"! --helper ftp|! --uid-owner", "it holds for flows without a helper, and packets without a socket, too"),
    (r"--mode (nth ! --every|random)", "the same turns, and the same chance, in other words"),
    (r"! --tcp-option", "theirs matches what is not TCP, too"),
    (r"--validmark", "the same: there is a way back, or none"),
    (r"--date(start|stop)", "no end is no end, and the last second is a whole one"),
)
"""Parts of commands for which polc's answer is another one, and why it is the better one."""

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

    def ours(self, namespace: Namespace) -> str | None:
        """None: nft has no form for it, or polc does not read it; ``REFUSED``: and neither does iptables."""
        kind = "iptables" if self.family == "ip" else "ip6tables"
        command = re.sub(r"^ip6?tables-translate", kind, self.command)
        # Some are in small letters, which iptables has for chains of one's own.
        command = re.sub(r"(?<=-[AI] )(?:input|forward|output|prerouting|postrouting)\b", _upper, command)
        try:
            (found,) = read([Input(SourceFile("vector", command + "\n"), Kind.SCRIPT)], Collector(), "t")
        except Failure:
            return None if iptables_takes(namespace, command) else REFUSED
        chains = tuple(replace(chain, rules=tuple(map(_plain, chain.rules))) for chain in found.chains)
        ruleset = pipeline.run(replace(found, chains=chains))
        output = NftBackend().emit(ruleset, Options("text", PROFILES["debian-12"]))
        return None if any(one.fidelity is Fidelity.REFUSED for one in output.deviations) else output.files[0].text


REFUSED = "refused"


def iptables_takes(namespace: Namespace, command: str) -> bool:
    """Whether the legacy iptables has it, in a namespace that is left without it."""
    tool, *words = shlex.split(command)
    return namespace.run([f"{tool}-legacy", *words]).returncode == 0


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
    theirs, ours = vector.theirs(), vector.ours(namespace)
    if not theirs:
        return "no rule"
    if ours is None:
        return "refused"
    if ours == REFUSED:
        return "refused by iptables too"
    wanted, found = listed(namespace, theirs), listed(namespace, ours)
    if found is None and wanted is None:
        # What this kernel was built without: the words themselves.
        wanted_words = [line.split(" ", 5)[5] for line in theirs.splitlines() if line.startswith("add rule")]
        found_words = [line.replace('"', "") for line in rules(ours)[2:]]
        return "same words" if wanted_words == found_words else f"neither loads\n      {wanted_words} {found_words}"
    if wanted is None:
        return "theirs does not load"
    assert found is not None, (vector.command, ours)
    if rules(wanted[0]) == rules(found[0]):
        return "same words"
    if not (wanted[1] and found[1]):
        # nft 1.0.6 ends itself over the listing.
        return f"cannot be compared\n      {rules(wanted[0])}\n      {rules(found[0])}"
    apart = differences(imported(wanted[1]), imported(found[1]))
    return "same meaning" if not apart else f"differs\n      {rules(wanted[0])}\n      {rules(found[0])}"


@NEEDED
@pytest.mark.kernel("nft", "conntrack")
def test_vectors(scratch: Namespace) -> None:
    found = {one: outcome(scratch, one) for one in vectors()}
    counts = Counter(one.partition("\n")[0] for one in found.values())
    better = [
        one for one, how in found.items() if how not in GOOD and any(re.search(each, one.command) for each, _ in BETTER)
    ]
    good = sum(counts[kind] for kind in GOOD) + len(better)
    wrong = [f"{one.command}: {how}" for one, how in found.items() if how not in GOOD and one not in better]
    print(good, "of", len(found), dict(counts), len(better), "better")
    assert good >= BAR * len(found), "\n".join([f"{good} of {len(found)}: {counts}, {len(better)} better", *wrong])


GOOD = ("same words", "same meaning", "refused by iptables too")
