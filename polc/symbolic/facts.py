"""What rulesets ask of packets, gathered before a space is made for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.matches import (
    AddressTypeMatch,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    InterfacePattern,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    SetMatch,
    TcpOptionMatch,
)
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.selectors import Element, Selector
from polc.ir.statements import ClampMss, CopyMark, MapMark, SetMark, Synproxy
from polc.ir.verdicts import NatMap, VerdictMap

_ALL = 0xFFFFFFFF
_SYN, _ACK = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["ack"]
ENDS = _SYN | _ACK | TCP_FLAG_BITS["fin"] | TCP_FLAG_BITS["rst"]
"""The flags by which xt_SYNPROXY tells segments apart."""

_SYNPROXY = frozenset({(_SYN, _SYN), (_ACK, _ACK), (ENDS, _SYN), (ENDS, _ACK)})
"""Flags by which synproxy and the clamping of the MSS tell segments apart, as masks and values."""


@dataclass(slots=True)
class Facts:
    """``patterns`` of interfaces; ``flags``: masks and values under which sets of bits are compared; ``names``: words
    that are compared; ``masks``: those of fields, by field; ``reads``: fields that any match asks for; ``sets``: the
    keys that are looked up in each named set; ``options``: kinds of TCP options that are asked for; ``types``: the
    sides and interfaces for which kinds of addresses are; ``routes``: whether routes back are asked for loosely;
    ``originals``: of which addresses of flows, ``original`` or ``reply`` and the side.
    """

    patterns: set[InterfacePattern] = field(default_factory=set)
    flags: dict[FlagField, set[tuple[int, int]]] = field(default_factory=lambda: {one: set() for one in FlagField})
    names: dict[NameField, set[str]] = field(default_factory=lambda: {one: set() for one in NameField})
    masks: dict[Field, set[int]] = field(default_factory=dict)
    reads: set[Field] = field(default_factory=set)
    sets: dict[str, set[tuple[Selector, ...]]] = field(default_factory=dict)
    options: set[int] = field(default_factory=set)
    types: set[tuple[str, str | None]] = field(default_factory=set)
    routes: set[bool] = field(default_factory=set)
    originals: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, rulesets: Iterable[Ruleset]) -> Facts:
        found = cls()
        for ruleset in rulesets:
            for chain in ruleset.chains:
                if hasattr(chain, "devices"):
                    found.patterns.update(InterfacePattern(name) for name in chain.devices)
                for rule in chain.rules:
                    found._rule(rule)
        # Marks are copied from one to the other: both are cut alike.
        marks = found.masks.get(Field.META_MARK, set()) | found.masks.get(Field.CT_MARK, set())
        found.masks[Field.META_MARK] = found.masks[Field.CT_MARK] = marks
        return found

    def _rule(self, rule: Rule) -> None:
        for match in rule.matches:
            match match:
                case InterfaceMatch(_, patterns):
                    self.patterns.update(patterns)
                case FlagsMatch(flags, mask, value):
                    self.flags[flags].add((mask, value))
                case NameMatch(name_field, name):
                    self.names[name_field].add(name)
                case FieldMatch(of, _, mask):
                    self.reads.add(of)
                    if mask is not None:
                        self._mask(of, mask)
                case SetMatch(key, name):
                    self._selectors(key)
                    self.sets.setdefault(name, set()).add(key)
                case AddressTypeMatch(side, _, _, interface):
                    self.types.add((side.value, interface.value if interface else None))
                case OriginalAddressMatch(side, _, _, reply):
                    self.originals.add(("reply" if reply else "original", side.value))
                case ReversePathMatch(loose):
                    self.routes.add(loose)
                case TcpOptionMatch(kind):
                    self.options.add(kind)
                case ElementMatch(key, elements):
                    self._selectors(key)
                    self._elements(elements)
                case _:
                    pass
        for selectors, found in _keys(rule):
            self._selectors(selectors)
            self._elements(found)
        for statement in rule.statements:
            match statement:
                case SetMark(_, value, mask):
                    self._changed(mask, value)
                case CopyMark(_, mask, from_mask):
                    self._changed(mask, 0)
                    from_mask = mask if from_mask is None else from_mask
                    self._changed(from_mask, from_mask & ~mask)
                case Synproxy() | ClampMss():
                    self.flags[FlagField.TCP_FLAGS] |= _SYNPROXY
                case _:
                    pass

    def _mask(self, of: Field, mask: int) -> None:
        self.masks.setdefault(of, set()).add(mask)

    def _changed(self, mask: int, value: int) -> None:
        """Bits that are turned, not set, stand alone."""
        turned = value & ~mask & _ALL
        for of in (Field.META_MARK, Field.CT_MARK):
            self._mask(of, mask)
            for bit in range(32):
                if turned >> bit & 1:
                    self._mask(of, 1 << bit)

    def _selectors(self, key: tuple[Selector, ...]) -> None:
        self.reads.update(one for one in key if isinstance(one, Field))

    def _elements(self, elements: Iterable[Element]) -> None:
        for element in elements:
            self.patterns.update(part for part in element if isinstance(part, InterfacePattern))


def _first(pairs: Iterable[tuple[Element, object]]) -> list[Element]:
    return [element for element, _ in pairs]


def _keys(rule: Rule) -> Iterator[tuple[tuple[Selector, ...], list[Element]]]:
    """What statements and verdicts look up."""
    for statement in rule.statements:
        if isinstance(statement, MapMark):
            yield statement.key, _first(statement.elements)
    if isinstance(rule.verdict, VerdictMap | NatMap):
        yield rule.verdict.key, _first(rule.verdict.elements)
