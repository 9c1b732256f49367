"""One statement as the pieces that it is, in the IR's words or, where those are missing, in nft's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from polc.importers.nft_json import counted, verdicts
from polc.importers.nft_json.compare import compare, parts
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.demands import Demand
from polc.importers.nft_json.effects import EFFECTS, update
from polc.importers.nft_json.json_value import Json, Object, compact, number
from polc.importers.nft_json.keys import asked, elements, key
from polc.importers.nft_json.mangle import mangle
from polc.importers.nft_json.pieces import Ask, Counted, Effect, End, Piece
from polc.importers.nft_json.problems import Malformed, Unknown
from polc.importers.nft_json.values import ADDRESS
from polc.ir.family import Family
from polc.ir.matches import ElementMatch, OpaqueMatch, SetMatch, Syntax
from polc.ir.statements import OpaqueStatement, Tproxy
from polc.ir.verdicts import Verdict

_BREAKS_OFF = frozenset({"match", "limit", "quota", "ct count", "meter"})
"""Statements that are asked, whatever else they do."""

_DICE = ('"numgen":', '"key":"random"')
"""In matches that answer another time for the same packet."""


@dataclass(frozen=True, slots=True)
class Reader:
    """``name`` is for state that has no name of its own; ``dropped_after``: packets of these families are dropped by
    the rule behind this one.
    """

    context: Context
    name: str
    dropped_after: frozenset[Family] = frozenset()

    def read(self, statement: Json, *, last: bool = True) -> Piece:
        """The piece that a statement is; ``last``: none follows.

        Raises:
        Malformed: it is no statement, or names what the table does not have.
        """
        if not isinstance(statement, dict) or len(statement) != 1:
            raise Malformed("a statement is an object with one key")
        ((kind, inside),) = statement.items()
        try:
            if kind == "vmap" and not last:
                raise Unknown("a map of verdicts with something behind it")
            found = self._known(kind, inside)
        except Unknown as unknown:
            return self._opaque(kind, statement, unknown.reason)
        except Malformed as problem:
            raise problem if problem.path[:1] == (kind,) else problem.below(kind) from None
        match found:
            case Ask() if found.demand.condition or found.demand.transport.types or found.demand.transport.codes:
                return Ask(replace(found.demand, words=compact(statement)))
            case Counted() | Effect():
                return replace(found, words=compact(statement))
            case End() if found.demand.condition is not None:
                return replace(found, words=compact(statement))
            case _:
                return found

    def _known(self, kind: str, inside: Json) -> Piece:
        context = self.context
        if kind in verdicts.WORDS:
            verdict: Verdict | None = verdicts.verdict(kind, inside, context)
            return End(verdict)
        if kind in EFFECTS:
            return EFFECTS[kind](inside, context)
        match kind:
            case "match":
                return self._match(inside)
            case "mangle":
                return mangle(inside, context)
            case "limit":
                return counted.limit(inside, self._fresh(), context)
            case "quota":
                return counted.quota(inside, self._fresh(), context)
            case "ct count":
                return counted.connections(inside, self._fresh())
            case "meter":
                return counted.meter(inside)
            case "set" if isinstance(inside, dict) and "stmt" in inside:
                return counted.element_limit(inside, context)
            case "set":
                return update(inside, context)
            case "reject":
                return verdicts.reject(inside, context)
            case "queue":
                return verdicts.queue(inside)
            case "snat" | "dnat" | "masquerade" | "redirect":
                return verdicts.nat(kind, inside, context)
            case "vmap":
                return verdicts.vmap(inside, context)
            case "tproxy":
                return self._tproxy(inside)
            case _:
                raise Unknown(f"polc has no words of its own for `{kind}`")

    def _fresh(self) -> str:
        return self.context.state_names.like(self.name)

    def _match(self, inside: Json) -> Piece:
        if not isinstance(inside, dict):
            raise Malformed("a match is an object")
        op, left, right = parts(inside)
        if isinstance(right, str) and right.startswith("@"):
            return self._lookup(op, left, right)
        if isinstance(left, dict) and "concat" in left:
            return self._elements(op, left, right)
        found = compare(inside, layer3=self.context.layer3)
        return Ask(found) if isinstance(found, Demand) else found

    def _lookup(self, op: str, left: Json, reference: str) -> Piece:
        if op not in ("==", "!=", "in"):
            raise Unknown("a set in an order")
        try:
            found = key(left)
            if self.context.named_set(reference).types == found.types():
                match = SetMatch(found.selectors, reference[1:], op == "!=")
                return Ask(found.demand.beside(Demand((match,))))
        except Unknown:
            pass
        right: Object = {"set": self.context.inline(reference)}
        if isinstance(left, dict) and "concat" in left:
            return self._elements(op, left, right)
        given = compare({"op": op, "left": left, "right": right}, layer3=self.context.layer3)
        return Ask(given) if isinstance(given, Demand) else given

    def _elements(self, op: str, left: Json, right: Json) -> Piece:
        found = key(left)
        match right:
            case {"set": list(values), **rest} if not rest:
                pass
            case _:
                values = [right]
        if op not in ("==", "!=", "in"):
            raise Unknown("several parts at once in an order")
        match = ElementMatch(found.selectors, elements(values, found.kinds), op == "!=")
        demand = found.demand if match.negated else asked(found, match.elements)
        return Ask(demand.beside(Demand((match,))))

    def _tproxy(self, inside: Json) -> Effect:
        if not isinstance(inside, dict) or not inside.keys() <= {"family", "addr", "port"}:
            raise Unknown("tproxy in another form")
        table = self.context.table.family
        family = {"ip": Family.IP, "ip6": Family.IP6}.get(str(inside.get("family", table)))
        port, address = number(inside.get("port")), inside.get("addr")
        if ("port" in inside and port is None) or (address is not None and family is None):
            raise Unknown("tproxy to a port that is no number")
        to = None if address is None or family is None else ADDRESS[family].number(address)
        named = family if "family" in inside or to is not None else None
        demand = Demand(families=self.context.families if named is None else frozenset({named}))
        if not demand.families <= self.dropped_after:
            raise Unknown("tproxy that lets packets go on for which there is no socket")
        return Effect(Tproxy(port, named, to), demand)

    def _opaque(self, kind: str, statement: Object, reason: str) -> Piece:
        self.context.need(statement)
        words = compact(statement)
        inside = statement[kind]
        if kind in _BREAKS_OFF or (kind == "set" and isinstance(inside, dict) and "stmt" in inside):
            match = OpaqueMatch(words, Syntax.NFT_JSON, reason)
            once = kind != "match" or any(word in words for word in _DICE)
            return Counted(match, words=words) if once else Ask(Demand((match,)))
        return Effect(OpaqueStatement(words, Syntax.NFT_JSON, reason), words=words)
