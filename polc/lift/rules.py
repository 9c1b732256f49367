"""One rule of the IR as one of a policy."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from polc.ir.family import FAMILIES, Family
from polc.ir.matches import InterfaceMatch, OpaqueMatch, SetMatch, Side, Syntax
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import Rule
from polc.ir.selectors import Direction
from polc.ir.statements import Native, OpaqueStatement
from polc.ir.verdicts import Accept, Nat, NatMap, VerdictMap
from polc.lift import counts, effects, verdicts
from polc.lift.conditions import condition
from polc.lift.counts import State
from polc.lift.definitions import Definitions
from polc.lift.families import spoken
from polc.lift.flow import Json
from polc.lift.model import Line, Unsayable, Words
from polc.lift.quoting import quoted
from polc.lift.slots import Slots, sort
from polc.policy.format.rule_strings import CLAUSES

_ENDS = ((Side.SADDR, Direction.IN, "source", "from"), (Side.DADDR, Direction.OUT, "destination", "to"))

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Speaker:
    """``states`` tells which counts several rules have, ``policy`` the families that the policy is about."""

    known: Definitions
    states: Counter[State]
    policy: frozenset[Family]


def say(rule: Rule, speaker: Speaker, more: Sequence[Nat] = (), *, exempt: str = "") -> Line:
    """The rule, which fits into one of a policy.

    ``more`` are the other targets that take turns with the rule's own; ``exempt`` is the verdict that leaves a packet
    as it is, in `nat` as one list.

    Raises:
        Unsayable: the language has no words for it.
    """
    known, policy = speaker.known, speaker.policy
    native = next((one for one in rule.statements if isinstance(one, Native)), None)
    if native:
        return _native_rule(native, rule, policy)
    if more:
        rule = replace(rule, matches=rule.matches[:-1])
    slots = sort(rule.matches, rule.families)
    words = Words()
    if slots.service:
        said = known.services.say(slots.service)
        words.service = said.service
        if said.sport:
            words.add("sport", f"sport {said.sport}")
    _ends(slots, known, words)
    if slots.states:
        words.add("state", f"state {_states(slots)}")
    tests = [condition(one, known.groups) for one in slots.fields]
    if spoken(rule, policy) != rule.families and not _looks_up_addresses(rule):
        (family,) = rule.families
        tests.insert(0, f"meta nfproto {family.nfproto}")
    if tests:
        words.add("where", f"where {' and '.join(tests)}")
    for match in slots.counted:
        counts.say(match, rule, speaker.states, words)
    for statement in rule.statements:
        effects.say(statement, rule, known, words)
    verdicts.say(rule.verdict, rule, known, words)
    if more:
        points = [verdicts.point(one.family, one.addresses, one.ports) for one in more]
        words.clauses = [
            (name, ", ".join((text, *points)) if name == "target" else text) for name, text in words.clauses
        ]
    if exempt and isinstance(rule.verdict, Accept):
        words.verdict = exempt
        words.add("target", "-> none")
    words.native = _native(rule)
    return _line(words, rule)


def _looks_up_addresses(rule: Rule) -> bool:
    return isinstance(rule.verdict, VerdictMap | NatMap) and any(isinstance(one, Side) for one in rule.verdict.key)


def _ends(slots: Slots, known: Definitions, words: Words) -> None:
    for side, direction, clause, word in _ENDS:
        parts = []
        interface: InterfaceMatch | None = slots.interfaces.get(direction)
        if interface:
            parts.append(known.zones.words(interface))
        addresses = slots.addresses.get(side)
        some: list[SetMatch] = slots.sets.get(side, [])
        named = [f"@{known.dynamic(one.set_name)}" for one in some]
        if addresses:
            named.insert(0, known.groups.words(addresses.addresses, _about(words.service)))
        if named:
            negated = addresses.negated if addresses else some[0].negated
            parts.append(f"{'not ' if negated else ''}{', '.join(named)}")
        if parts:
            words.add(clause, f"{word} {' '.join(parts)}")


def _about(service: str) -> str:
    """The one service that a rule is about, where it has a name."""
    return service if _NAME.fullmatch(service) and service not in PROTOCOL_NAMES.values() else ""


def _states(slots: Slots) -> str:
    assert slots.states is not None
    order = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
    return ",".join(name.lower() for name in order if name in {one.name for one in slots.states.states})


def _native(rule: Rule) -> Json:
    """What stands behind the key `native`, None for a rule without."""
    opaque = [one for one in (*rule.matches, *rule.statements) if isinstance(one, OpaqueMatch | OpaqueStatement)]
    if not opaque:
        return None
    if len({one.syntax for one in opaque}) > 1:
        raise Unsayable("it has words of two targets in it")
    if opaque[0].syntax is Syntax.IPTABLES:
        return {"iptables": " ".join(one.words for one in opaque)}
    return {"nft_json": [json.loads(one.words) for one in opaque]}


def _native_rule(native: Native, rule: Rule, policy: frozenset[Family]) -> Line:
    words: dict[str, Json] = {}
    if native.nft is not None:
        words["nft"] = native.nft
    if native.nft_json is not None:
        words["nft_json"] = json.loads(native.nft_json)
    if native.iptables is not None:
        words["iptables"] = native.iptables
    if rule.families != policy:
        words["family"] = next(one.value for one in FAMILIES if one in rule.families)
    return Line("", rule.origin, words, rule.origin.comment)


_FIRST = (
    "recent", "ban", "notrack", "assign", "mark", "dscp", "mss", "strip", "synproxy", "dup", "offload", "trace", "log",
    "tally", "helper", "counter",
)  # fmt: skip
"""What a rule without a verdict begins with, the first of these that it does."""


def _line(words: Words, rule: Rule) -> Line:
    clauses = sorted(words.clauses, key=lambda one: CLAUSES.index(one[0]))
    head = words.verdict
    if not head:
        first = next((one for name in _FIRST for one in clauses if one[0] == name), None)
        if first is None:
            # A rule that does nothing counts its packets, as iptables does.
            first = ("counter", "counter")
        else:
            clauses.remove(first)
        head = first[1]
    if rule.origin.comment:
        clauses.append(("comment", f"comment {quoted(rule.origin.comment)}"))
    text = " ".join((head, *((words.service,) if words.service else ()), *(one for _, one in clauses)))
    return Line(text, rule.origin, words.native)
