"""What a table holds beside its chains, after its rules have been read."""

from __future__ import annotations

from dataclasses import dataclass

from polc.importers.nft_json.contents import SetEntry
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.json_value import Json, Object, compact, items, number
from polc.importers.nft_json.keys import bare
from polc.importers.nft_json.problems import NEAR, Entry, Malformed, Reporter, Unknown
from polc.ir.matches import Syntax
from polc.ir.origin import Origin
from polc.ir.ruleset import DynamicSet, Flowtable, OpaqueDeclaration

_OWN_KEYS = frozenset({"family", "table", "handle"})
_BY_NAME = ("counter", "ct timeout")
"""Objects that keep their name in the IR, and so are there for rules in nft's words, too."""
_DETAILS = {
    "timeout": "times of their own, which begin anew, and are the set's here",
    "comment": "comments, which are not kept",
    "counter": "counters, which are not kept",
}


@dataclass(frozen=True, slots=True)
class Declarations:
    sets: tuple[DynamicSet, ...]
    flowtables: tuple[Flowtable, ...]
    opaque: tuple[OpaqueDeclaration, ...]


def declarations(context: Context, reporter: Reporter) -> Declarations:
    """Opaque is what rules in nft's words need, and what nothing uses, which may be there for somebody's hands."""
    sets: list[DynamicSet] = []
    flowtables: list[Flowtable] = []
    opaque: list[OpaqueDeclaration] = []
    # Objects first: maps may lead to them.
    for (kind, name), one in context.table.objects.items():
        key = (kind, name)
        if key not in context.taken or (key in context.needed and kind not in _BY_NAME):
            opaque.append(_opaque(kind, one, f"a {kind} that a rule in nft's words, or nothing, uses"))
    for name, one in context.table.flowtables.items():
        table = _flowtable(name, one)
        if isinstance(table, Flowtable):
            flowtables.append(table)
        else:
            opaque.append(table)
    for name, entry in context.table.sets.items():
        found = _set(name, entry, context, reporter)
        if isinstance(found, DynamicSet):
            sets.append(found)
        elif found is not None:
            opaque.append(found)
    return Declarations(tuple(sets), tuple(flowtables), tuple(opaque))


def _set(name: str, entry: SetEntry, context: Context, reporter: Reporter) -> DynamicSet | OpaqueDeclaration | None:
    """None: it stands in the rules themselves."""
    key = ("@", name)
    if name in context.stores and key not in context.needed:
        return None
    found: DynamicSet | None = None
    if not entry.is_map:
        try:
            found = context.named_set(f"@{name}")
        except Unknown:
            pass
        except Malformed as problem:
            reporter.malformed(entry.entry, problem)
            return None
    if found is not None:
        _warn(name, entry, reporter)
        return found
    if key in context.taken:
        message = f"what `{name}` holds stands in the rules that use it: what is added to it later does not"
        reporter.warn(entry.entry, NEAR, message)
        if key not in context.needed:
            return None
    if entry.is_map:
        return _opaque("map", entry.entry, "a map that changes, or that nothing uses", entry.elements)
    return _opaque("set", entry.entry, "a set of a type that polc has no sets of", entry.elements)


def _warn(name: str, entry: SetEntry, reporter: Reporter) -> None:
    details = {key for element in entry.elements for key in bare(element)[1]}
    if "stmt" in entry.entry.value:
        details.add("counter")
    for key, what in _DETAILS.items():
        if key in details:
            reporter.warn(entry.entry, NEAR, f"elements of the set `{name}` have {what}")


def _flowtable(name: str, entry: Entry) -> Flowtable | OpaqueDeclaration:
    value = entry.value
    devices = tuple(str(one) for one in items(value.get("dev")))
    flags = {str(one) for one in items(value.get("flags"))}
    priority = number(value.get("prio", 0))
    plain = value.keys() <= {"family", "table", "name", "handle", "hook", "prio", "dev", "flags"}
    if not plain or not flags <= {"offload"} or priority is None or value.get("hook", "ingress") != "ingress":
        return _opaque("flowtable", entry, "a flowtable with other keys")
    return Flowtable(name, devices, priority, "offload" in flags, Origin(entry.span))


def _opaque(kind: str, entry: Entry, reason: str, elements: list[Json] | None = None) -> OpaqueDeclaration:
    inside: Object = {key: one for key, one in entry.value.items() if key not in _OWN_KEYS}
    if elements:
        inside["elem"] = elements
    return OpaqueDeclaration(compact({kind: inside}), Syntax.NFT_JSON, reason, Origin(entry.span))
