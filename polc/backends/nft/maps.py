"""Maps from elements to verdicts, marks and new addresses: as maps of nft where it has them, else rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from polc.backends.cascade import Cascade
from polc.backends.features import Feature
from polc.backends.nft.context import Along, Context
from polc.backends.nft.definitions import MapDefinition
from polc.backends.nft.elements import fits_a_map, fits_one_set, has_range, key, rows
from polc.backends.nft.expressions import Addresses, Lookup, Numbers, Row, SetReference
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Call, Decide, TranslateBy, Word
from polc.backends.profile import Profile
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import STATEFUL, ElementMatch, Match, ServiceMatch
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.selectors import Element, Selector, Transport, key_type
from polc.ir.statements import MapMark, SetMark, Statement
from polc.ir.verdicts import Accept, Drop, Goto, Jump, MapVerdict, Nat, NatMap, NatTarget, Return, VerdictMap, leaves

Pairs = tuple[tuple[Row, Row | Word | Call], ...]


def decide(one: VerdictMap, family: Family | None, context: Context, along: Along) -> Decide:
    """Raises:
    Refused: an address in the key of a rule of both families.
    """
    pairs = tuple(
        (row, _word(verdict)) for element, verdict in one.elements for row in rows(one.key, (element,), family)
    )
    found = key(one.key, family)
    name = _named(one.key, pairs, ("verdict",), [element for element, _ in one.elements], family, context, along)
    return Decide(found, pairs if name is None else name)


def look_up_mark(one: MapMark, family: Family | None, context: Context, along: Along) -> Lookup:
    """Raises:
    Refused: an address in the key of a rule of both families.
    """
    pairs = tuple(
        (row, (Numbers(Intervals.single(mark)),))
        for element, mark in one.elements
        for row in rows(one.key, (element,), family)
    )
    found = key(one.key, family)
    name = _named(one.key, pairs, ("mark",), [element for element, _ in one.elements], family, context, along)
    return Lookup(found, pairs if name is None else name)


def translate_by(one: NatMap, family: Family | None) -> TranslateBy:
    """Raises:
    Refused: an address in the key of a rule of both families.
    """
    pairs = tuple(
        (row, _target(target, one.family))
        for element, target in one.elements
        for row in rows(one.key, (element,), family)
    )
    lookup = Lookup(key(one.key, family), pairs)
    flags = tuple(name for name, there in (("random", one.random), ("persistent", one.persistent)) if there)
    return TranslateBy(one.kind.value, one.family, lookup, has_ports(one), flags)


def has_ports(one: NatMap) -> bool:
    return any(target.ports is not None for _, target in one.elements)


def _target(target: NatTarget, family: Family | None) -> Row:
    addresses = () if target.addresses is None or family is None else (Addresses(family, target.addresses),)
    return (*addresses, *(() if target.ports is None else (Numbers(target.ports),)))


def _word(verdict: MapVerdict) -> Word | Call:
    match verdict:
        case Accept():
            return Word.ACCEPT
        case Drop():
            return Word.DROP
        case Return():
            return Word.RETURN
        case Jump(chain):
            return Call("jump", chain)
        case Goto(chain):
            return Call("goto", chain)


def _named(
    selectors: tuple[Selector, ...],
    pairs: Pairs,
    kind: tuple[str, ...],
    elements: list[Element],
    family: Family | None,
    context: Context,
    along: Along,
) -> SetReference | None:
    """A map of its own name where nft cannot make an anonymous one."""
    if not _needs_name(selectors, elements, context):
        return None
    types = _types(selectors, family or Family.IP)
    name = context.names.like("verdicts" if kind == ("verdict",) else "marks")
    along.definitions.append(MapDefinition(name, types, kind, pairs))
    return SetReference(name)


def _needs_name(selectors: tuple[Selector, ...], elements: list[Element], context: Context) -> bool:
    ranges = len(selectors) > 1 and has_range(elements)
    return ranges and not context.profile.has(Feature.CONCAT_RANGE_MAPS)


def _types(selectors: tuple[Selector, ...], family: Family) -> tuple[str, ...]:
    """Empty where a part has no type that could be said of a named map."""
    types = [key_type(one, family) for one in selectors]
    return tuple(one.value for one in types if one) if all(types) else ()


def one_by_one(rule: Rule, context: Context, fresh: Callable[[], str]) -> Cascade | None:
    """The rule with what nft has no map for written as a rule an element; None where there is nothing of that.

    Raises:
        Refused: such rules would take a chain of their own, which the verdict would leave instead of this one.
    """
    for place, one in enumerate(rule.statements):
        if isinstance(one, MapMark) and not _fits(
            one.key, [element for element, _ in one.elements], context, fits_a_map
        ):
            before, after = rule.statements[:place], rule.statements[place + 1 :]
            # After its element a packet must meet no other: the mark may be part of the key.
            own = tuple(
                Rule(
                    _beside(rule, one.key, element),
                    rule.verdict or Return(),
                    (SetMark(one.field, mark), *after),
                    rule.families,
                    rule.origin,
                )
                for element, mark in one.elements
                if _possible(rule, one.key, element)
            )
            return _chained(rule, before, own, fresh)
    match rule.verdict:
        case VerdictMap(selectors, elements) if not _fits(
            selectors, [element for element, _ in elements], context, fits_one_set
        ):
            return _each(rule, selectors, elements, fresh)
        case NatMap() as nat if not _nat_fits(nat, context):
            found = [(element, _nat(nat, target)) for element, target in nat.elements]
            return _each(rule, nat.key, found, fresh)
        case _:
            return None


def _each(
    rule: Rule,
    selectors: tuple[Selector, ...],
    verdicts: Sequence[tuple[Element, MapVerdict | Nat]],
    fresh: Callable[[], str],
) -> Cascade:
    some = [(element, verdict) for element, verdict in verdicts if _possible(rule, selectors, element)]
    stateful = any(isinstance(one, STATEFUL) for one in rule.matches)
    if not stateful and not rule.statements:
        return Cascade(
            tuple(
                replace(rule, matches=(*rule.matches, ElementMatch(selectors, (element,))), verdict=verdict)
                for element, verdict in some
            )
        )
    own = tuple(
        Rule(_beside(rule, selectors, element), verdict, (), rule.families, rule.origin) for element, verdict in some
    )
    return _chained(rule, rule.statements, own, fresh)


def _possible(rule: Rule, selectors: tuple[Selector, ...], element: Element) -> bool:
    """Whether a packet of the protocols that the rule names can be in the element."""
    for selector, value in zip(selectors, element, strict=True):
        if selector is Transport.PROTOCOL and isinstance(value, Intervals):
            for match in rule.matches:
                if isinstance(match, ServiceMatch) and not any(term.protocol in value for term in match.terms):
                    return False
    return True


def _beside(rule: Rule, selectors: tuple[Selector, ...], element: Element) -> tuple[Match, ...]:
    """In a chain of its own an element stands beside the protocols that the rule names: ports ask for them."""
    services = tuple(one for one in rule.matches if isinstance(one, ServiceMatch))
    return (*services, ElementMatch(selectors, (element,)))


def _chained(rule: Rule, before: tuple[Statement, ...], own: tuple[Rule, ...], fresh: Callable[[], str]) -> Cascade:
    if leaves(rule.verdict):
        raise Refused(
            "nft has no such map; written rule by rule it takes a chain of its own, which `return` and `goto` would "
            "leave instead of this one"
        )
    name = fresh()
    chain = RegularChain(name, own, rule.origin)
    return Cascade((replace(rule, statements=before, verdict=Jump(name)),), (chain,))


_Fits = Callable[[tuple[Selector, ...], tuple[Element, ...], Profile], bool]


def _fits(selectors: tuple[Selector, ...], elements: list[Element], context: Context, fits: _Fits) -> bool:
    if not fits(selectors, tuple(elements), context.profile):
        return False
    return not _needs_name(selectors, elements, context) or bool(_types(selectors, Family.IP))


def _nat_fits(nat: NatMap, context: Context) -> bool:
    """Maps to ranges are refused by the kernel beside single values (net/netfilter/nf_tables_api.c), and rewritten."""
    elements = [element for element, _ in nat.elements]
    single = all(
        values is None or (len(values.ranges) == 1 and values.ranges[0][0] == values.ranges[0][1])
        for _, target in nat.elements
        for values in (target.addresses, target.ports)
    )
    return single and _fits(nat.key, elements, context, fits_a_map) and not _needs_name(nat.key, elements, context)


def _nat(nat: NatMap, target: NatTarget) -> Nat:
    return Nat(nat.kind, nat.family, target.addresses, target.ports, nat.random, nat.persistent)
