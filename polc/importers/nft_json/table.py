"""A table as a ruleset of the IR."""

from __future__ import annotations

from typing import Final

from polc.importers.nft_json.circles import circle
from polc.importers.nft_json.contents import ChainEntry, RuleEntry, Table
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.declarations import declarations
from polc.importers.nft_json.json_value import Json, items
from polc.importers.nft_json.pieces import Ask, End, Piece
from polc.importers.nft_json.problems import LOST, MALFORMED, MISSING, NEAR, NEVER, Entry, Malformed, Reporter
from polc.importers.nft_json.rules import ChainWriter, NeverError
from polc.importers.nft_json.statements import Reader
from polc.importers.nft_json.symbols import NFPROTO
from polc.ir.family import Family
from polc.ir.origin import Origin
from polc.ir.ruleset import (
    DEVICE_HOOKS,
    BaseChain,
    Chain,
    ChainType,
    Hook,
    RegularChain,
    Rule,
    Ruleset,
    TableFamily,
)
from polc.ir.verdicts import Accept, Drop

_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_BRIDGE_PRIORITIES = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
"""nft(8), Tables 6 and 7; uapi/linux/netfilter_bridge.h."""
_MOST_SHOWN = 8
"""Chains of a circle that are named."""
_DORMANT: Final = "dormant"
_AWAKE: Final = ("owner", "persist")
_CUT: Final = "the flags that `nft list table` shows: nft before 1.1 lists what it has in memory in JSON"


def ruleset(table: Table, reporter: Reporter) -> Ruleset | None:
    """What the table holds; what is wrong, and what is only near, goes to the reporter. None: it sleeps."""
    flags = [str(one) for one in items(table.entry.value.get("flags"))]
    if any(one not in (_DORMANT, *_AWAKE) for one in flags):
        message = "the flags of the table are none that nft has, and it may be dormant"
        reporter.error(table.entry, MALFORMED, message, ("flags",), _CUT)
    elif _DORMANT in flags:
        message = f"the table `{table.family} {table.name}` is dormant, so it does nothing, and is left out"
        reporter.warn(table.entry, NEVER, message)
        return None
    context = Context.of(table)
    chains = [one for name, entry in table.chains.items() for one in _chain(name, entry, context, reporter)]
    if around := circle(chains):
        left_out = [f"{len(around) - _MOST_SHOWN} more"] if len(around) > _MOST_SHOWN else []
        way = " to ".join((*(f"`{name}`" for name in around[:_MOST_SHOWN]), *left_out, f"`{around[0]}`"))
        inside = frozenset(around)
        first = next((entry for name, entry in table.chains.items() if name in inside), None)
        reporter.error((first or table).entry, MALFORMED, f"chains lead to each other in a circle: from {way}")
    held = declarations(context, reporter)
    comment = table.entry.value.get("comment")
    return Ruleset(
        tuple(chains),
        held.sets,
        table.name,
        Origin(table.entry.span, comment=comment if isinstance(comment, str) else ""),
        TableFamily(table.family),
        held.flowtables,
        held.opaque,
    )


def _chain(name: str, chain: ChainEntry, context: Context, reporter: Reporter) -> tuple[Chain, ...]:
    writer = ChainWriter(context, name)
    for position, rule in enumerate(chain.rules):
        behind = chain.rules[position + 1 : position + 2]
        _rule(rule, position, behind, writer, reporter)
    rules = tuple(writer.rules)
    comment = chain.entry.value.get("comment")
    origin = Origin(chain.entry.span, comment=comment if isinstance(comment, str) else "")
    own: Chain = RegularChain(name, rules, origin)
    if "hook" in chain.entry.value:
        try:
            own = _base_chain(name, chain.entry, context, origin, rules)
        except Malformed as problem:
            reporter.malformed(chain.entry, problem)
    return (own, *writer.regular_chains())


def _rule(rule: RuleEntry, position: int, behind: list[RuleEntry], writer: ChainWriter, reporter: Reporter) -> None:
    value, context = rule.entry.value, writer.context
    comment = value.get("comment")
    origin = Origin(rule.entry.span, comment=comment if isinstance(comment, str) else "")
    reader = Reader(context, f"{writer.name}-{position + 1}", _dropped(behind, context))
    try:
        pieces = _pieces(value.get("expr"), reader)
        writer.write(pieces, origin, last=not behind)
    except Malformed as problem:
        reporter.malformed(rule.entry, problem)
    except NeverError:
        reporter.warn(rule.entry, NEVER, "no packet comes to the end of this rule, which is left out from there on")
    else:
        _warn(rule.entry, pieces, reporter)


def _dropped(behind: list[RuleEntry], context: Context) -> frozenset[Family]:
    """The families whose packets the next rule drops, all of them."""
    match [one.entry.value.get("expr") for one in behind]:
        case [[{"drop": None}]]:
            return context.families
        case [[{"match": {"left": {"meta": {"key": "nfproto"}}, "right": str(word), "op": "=="}}, {"drop": None}]]:
            return context.families & {NFPROTO[word]} if word in NFPROTO else frozenset()
        case _:
            return frozenset()


def _pieces(value: Json, reader: Reader) -> list[Piece]:
    if not isinstance(value, list) or not value:
        raise Malformed("the key `expr` of a rule is a list of statements, and not empty")
    found: list[Piece] = []
    for position, statement in enumerate(value):
        last = position + 1 == len(value)
        try:
            piece = reader.read(statement, last=last)
        except Malformed as problem:
            raise problem.below("expr", position) from None
        if last or piece != End(None):  # `continue` in the middle of a rule is nothing
            found.append(piece)
    return found


def _warn(entry: Entry, pieces: list[Piece], reporter: Reporter) -> None:
    for position, piece in enumerate(pieces):
        if isinstance(piece, Ask):
            for sentence in piece.demand.near:
                reporter.warn(entry, NEAR, sentence, ("expr", position))
    for position, statement in enumerate(items(entry.value.get("expr"))):
        if isinstance(statement, dict) and "xt" in statement:
            reporter.warn(
                entry,
                LOST,
                "an extension of xtables stands in this rule, and nft lists it without what it asks or does",
                ("expr", position),
                "what `iptables-save` prints, for tables that iptables-nft made",
            )


def _base_chain(name: str, entry: Entry, context: Context, origin: Origin, rules: tuple[Rule, ...]) -> BaseChain:
    value = entry.value
    try:
        kind, hook = ChainType(value.get("type")), Hook(value.get("hook"))
    except ValueError:
        raise Malformed("a base chain has a type and a hook of nft's") from None
    policies: dict[str, Accept | Drop] = {"accept": Accept(), "drop": Drop()}
    policy = policies.get(str(value.get("policy", "accept")))
    if policy is None:
        raise Malformed("the policy of a chain is `accept` or `drop`", ("policy",))
    devices = tuple(str(one) for one in items(value.get("dev", value.get("devices"))))
    if hook in DEVICE_HOOKS and not devices:
        raise Malformed(
            f"the chain stands at {hook.value}, and the document does not say of which device",
            code=MISSING,
            help="the key `dev` in the object of the chain: nft before 1.0.7 leaves it out of listings in JSON",
        )
    priority = _priority(value.get("prio"), context.table.family)
    return BaseChain(name, kind, hook, priority, policy, rules, origin, devices)


def _priority(value: Json, family: str) -> int:
    """A number, or a name with an offset behind it (nft(8), CHAINS)."""
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 1 << 31:
        return value
    if isinstance(value, str):
        names = _BRIDGE_PRIORITIES if family == "bridge" else _PRIORITIES
        word, sign, offset = value.replace(" ", ""), "", "0"
        for mark in "+-":
            if mark in word[1:]:
                word, sign, offset = word[: word.index(mark, 1)], mark, word[word.index(mark, 1) + 1 :]
        base = names.get(word)
        if base is None and word.lstrip("-").isascii() and word.lstrip("-").isdigit() and len(word) < 11:
            base = int(word)
        if base is not None and offset.isascii() and offset.isdigit() and len(offset) < 10:
            return base + int(f"{sign}{offset}")
    raise Malformed("the priority of a chain is a number, or a name of nft's", ("prio",))
