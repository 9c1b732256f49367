"""Real rulesets and iptables' own test vectors."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from corpus import CORPUS, NEEDED, saved
from importing import errors, import_all, table

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.diagnostics import Collector, Failure
from polc.importers.iptables.read import Input, Kind, family_of, kind_of, read
from polc.ir.canonical.matches import alternatives
from polc.ir.family import Family
from polc.ir.matches import STATEFUL, FieldMatch, OpaqueMatch
from polc.ir.origin import Origin
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.ir.stateful import Connections, Hits, Limit, Quota
from polc.ir.statements import ClampMss, Counter, OpaqueStatement
from polc.ir.verdicts import Goto, Jump
from polc.kernel.netns import Namespace
from polc.passes import pipeline
from polc.source import SourceFile

pytestmark = NEEDED

KNOWN_NOTES = {"POL516", "POL519", "POL522"}
"""What may be worth a word in a file that the kernel has loaded: rules without an effect."""


def source(path: Path) -> SourceFile:
    return SourceFile(path.name, path.read_text())


def family(path: Path) -> Family:
    return Family.IP6 if ".v6." in path.name else Family.IP


@cache
def ruleset_of(path: Path) -> tuple[Ruleset, Collector]:
    collector = Collector()
    (found,) = read([Input(source(path), Kind.RESTORE, family(path))], collector)
    return found, collector


@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_every_file_is_read_whole(path: Path) -> None:
    text = source(path)
    assert kind_of(text.text) is Kind.RESTORE
    assert family_of(text) is family(path)
    found, collector = ruleset_of(path)
    left_out = [one for one in collector if one.code in KNOWN_NOTES]
    assert len(left_out) == len(collector.diagnostics)
    # Each line is a rule, or left out with a word.
    lines = {number for number, line in enumerate(text.text.splitlines(), 1) if re.match(r"(\[\d+:\d+\] )?-A ", line)}
    told = {rule.origin.span.line for chain in found.chains for rule in chain.rules if rule.origin.span}
    unreached = {one.message.split("`")[1] for one in left_out if one.code == "POL519"}
    missing = {number for number in lines - told if text.line(number).split("-A ")[1].split()[0] not in unreached}
    records = {number for number in missing if " --set " in text.line(number)}
    assert missing - records == {one.span.line for one in left_out if one.code == "POL516" and one.span}


def test_what_stays_in_its_own_words() -> None:
    """All of it has a reason, and there is little."""
    words: dict[str, int] = {}
    count = 0
    for path in saved():
        for chain in ruleset_of(path)[0].chains:
            for rule in chain.rules:
                count += 1
                for one in (*rule.matches, *rule.statements):
                    if isinstance(one, OpaqueMatch | OpaqueStatement):
                        assert one.reason
                        kind = " ".join(one.words.split()[:2])
                        words[kind] = words.get(kind, 0) + 1
    assert count > 35_000
    assert words.keys() <= {"-j CHECKSUM", "-m hashlimit", "-m rt"}


REFUSED_WHOLE: frozenset[str] = frozenset()
"""Files of which something has no form in nft; the bar is five of them."""


@pytest.mark.kernel("nft", "conntrack", "nat")
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_every_file_becomes_a_table_of_nft_that_loads(path: Path, scratch: Namespace, tmp_path: Path) -> None:
    output = NftBackend().emit(pipeline.run(ruleset_of(path)[0]), Options("json"))
    refused = [one for one in output.deviations if one.fidelity is Fidelity.REFUSED]
    assert bool(refused) is (path.name in REFUSED_WHOLE), refused
    # Each approximation is one of those that the documentation names.
    names = {one.name for one in output.deviations if one.fidelity is Fidelity.APPROXIMATE}
    assert names <= {"hits-as-ban", "recent-as-set", "checksum-left", "hashlimit-memory"}
    file = tmp_path / "ruleset.json"
    file.write_text(output.files[0].text)
    done = scratch.run(["nft", "-j", "-f", str(file)], timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


class Vector(NamedTuple):
    rule: str
    table: str
    chain: str
    family: Family
    wanted: str


def vectors(result: str) -> list[Vector]:
    """One for each vector, in the first of its families that it is of, and the first of its chains."""
    found = []
    for line in (CORPUS / "iptables-rule-vectors.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["res"] == result:
            own = Family.IP if row["families"][0] == "ip" else Family.IP6
            chain = row["chains"][0]
            wanted = f"-A {chain} {row['expected_save'] or row['rule']}"
            found.append(Vector(row["rule"], row["table"], chain, own, wanted))
    return found


def imported(vector: Vector) -> Ruleset:
    (found,), _ = import_all(table(f"-A {vector.chain} {vector.rule}", name=vector.table), family=vector.family)
    return found


HARMLESS = {
    "-j SET --add-set foo src,dst": "the set may be on the host: the rule stays in its own words, which ask for it",
    "-m set --match-set foo src,dst": "as above",
    "-m nfacct --nfacct-name wrong": "the object may be on the host, as above",
}
"""What iptables refuses and is taken, and why nothing is lost: none of it has a meaning of polc's own."""


def taken_although_refused() -> dict[str, str]:
    """Rules of the vectors that iptables refuses and that are read -> how each stays."""
    accepted = {}
    for vector in vectors("FAIL"):
        try:
            found = imported(vector)
        except Failure:
            continue
        accepted[vector.rule] = " ".join(
            one.words
            for chain in found.chains
            for rule in chain.rules
            for one in (*rule.matches, *rule.statements)
            if isinstance(one, OpaqueMatch | OpaqueStatement)
        )
    return accepted


def test_what_iptables_refuses_is_refused() -> None:
    assert taken_although_refused() == {rule: rule for rule in HARMLESS}


def test_what_iptables_takes_is_taken() -> None:
    taken = vectors("OK")
    assert len(taken) > 600
    for vector in taken:
        imported(vector)


def emitted(vector: Vector) -> list[str]:
    """The rules of the iptables backend, without comments on where they came from."""
    found = imported(vector)
    bare = replace(
        found,
        chains=tuple(
            replace(
                chain, rules=tuple(replace(rule, origin=Origin(comment=rule.origin.comment)) for rule in chain.rules)
            )
            for chain in found.chains
        ),
    )
    output = IptablesBackend().emit(pipeline.run(bare), Options("restore"))
    name = "rules.v4" if vector.family is Family.IP else "rules.v6"
    if output.deviations:
        return []
    text = next(one.text for one in output.files if one.name == name)
    return [line for line in text.splitlines() if line.startswith("-A")]


def same_meaning(rule: Rule, chains: tuple[Chain, ...]) -> object:
    """The rule without what writing it changes: the order of matches that count nothing, names of chains and of what
    counts, counters that begin at nothing, and whether values are said or those that they are not.
    """
    (own,) = rule.families
    plain = sorted(
        repr(alternatives(one, own) if isinstance(one, FieldMatch) else one)
        for one in rule.matches
        if not isinstance(one, STATEFUL)
    )
    statements = [one for one in rule.statements if one != Counter()]
    counting = [
        replace(one, table="") if isinstance(one, Limit | Hits | Connections | Quota) else one
        for one in rule.matches
        if isinstance(one, STATEFUL)
    ]
    verdict: object = rule.verdict
    if isinstance(rule.verdict, Jump | Goto):
        called = rule.verdict.chain
        verdict = type(rule.verdict), next(at for at, chain in enumerate(chains) if chain.name == called)
    return plain, counting, statements, verdict


def written(found: Ruleset, own: Family) -> str | None:
    """The file of the iptables backend; None where something of it is not exact, or takes chains of its own."""
    if any(isinstance(one, ClampMss) for chain in found.chains for rule in chain.rules for one in rule.statements):
        return None
    output = IptablesBackend().emit(pipeline.run(found), Options("restore"))
    name = "rules.v4" if own is Family.IP else "rules.v6"
    return None if output.deviations else next(one.text for one in output.files if one.name == name)


@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_what_is_written_is_read_as_the_same(path: Path) -> None:
    found, _ = ruleset_of(path)
    text = written(found, family(path))
    if text is None:
        pytest.skip("not exact on the iptables target")
    (again,), _ = import_all(text, family=family(path))
    for one, other in zip(found.chains, again.chains, strict=True):
        expected = [same_meaning(rule, found.chains) for rule in one.rules]
        assert [same_meaning(rule, again.chains) for rule in other.rules] == expected


SAME = (
    # Numbers and names of the host's tables, which iptables-save prints as the host has them.
    (r"-p (?:33|dccp)\b", "-p dccp"),
    (r"-p (?:108|ipcomp)\b", "-p ipcomp"),
    (r"-p (?:51|ah)\b", "-p ah"),
    (r"-p (?:135|mobility-header|ipv6-mh)\b", "-p mobility-header"),
    # The same under its newer name.
    (r"-m state --state ", "-m conntrack --ctstate "),
    (r"-j NOTRACK", "-j CT --notrack"),
)


def normal(line: str) -> str:
    for pattern, replacement in SAME:
        line = re.sub(pattern, replacement, line)
    return line


def come_back(taken: list[Vector]) -> tuple[list[Vector], list[Vector]]:
    """Those that come back to the letter, and those in other words for the same, which are read as the same rules."""
    letter, meaning = [], []
    for vector in taken:
        lines = emitted(vector)
        if [normal(line) for line in lines] == [normal(vector.wanted)]:
            letter.append(vector)
        elif lines and _read_as(lines, vector) == _read_as([f"-A {vector.chain} {vector.rule}"], vector):
            meaning.append(vector)
    return letter, meaning


def test_rules_come_back_as_they_were() -> None:
    taken = vectors("OK")
    letter, meaning = come_back(taken)
    assert len(letter) / len(taken) >= TO_THE_LETTER
    assert (len(letter) + len(meaning)) / len(taken) >= SAME_MEANING


TO_THE_LETTER = 0.95
SAME_MEANING = 0.98


def _read_as(lines: list[str], vector: Vector) -> list[list[object]]:
    chains = " ".join({line.split()[1] for line in lines if line.split()[1] != vector.chain})
    (found,), _ = import_all(table(*lines, name=vector.table, chains=chains), family=vector.family)
    return [[same_meaning(rule, found.chains) for rule in chain.rules] for chain in found.chains]


@pytest.mark.parametrize("name", ["acl1", "fw1", "ipc1"])
def test_ten_thousand_rules_to_nft(name: str) -> None:
    """At most 3 s of CPU, from the file to nft JSON; ten times as long is a mistake on any machine."""
    start = time.process_time()
    text = gzip.decompress((CORPUS / "classbench" / f"{name}_10000.save.gz").read_bytes()).decode()
    (found,) = read([Input(SourceFile(name, text), Kind.RESTORE)], Collector())
    output = NftBackend().emit(pipeline.run(found), Options("json"))
    assert time.process_time() - start < 30
    assert not output.deviations
    assert sum(len(chain.rules) for chain in found.chains) > 9_000


def test_a_hundred_thousand_lines() -> None:
    addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}/32" for n in range(100_000))
    rules = [f"-A INPUT -s {address} -p tcp -m tcp --dport 22 -j DROP" for address in addresses]
    rules[50_000] = "-A INPUT -p tcp --dprot 22"
    start = time.process_time()
    (wrong,) = errors(table(*rules))
    assert time.process_time() - start < 60
    assert wrong.span is not None
    assert wrong.span.line == 50_002
