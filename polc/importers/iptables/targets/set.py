"""``-j SET``: members of an ipset come and go (net/netfilter/xt_set.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension
from polc.importers.iptables.matches.set import name_and_sides, too_few, unknown_set
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.statements import SetOperation, UpdateSet

_LONGEST_TIMEOUT = 0xFFFFFFFF // 1000 - 1  # uapi/linux/netfilter/ipset, IPSET_MAX_TIMEOUT
_MAPS = ("map-mark", "map-prio", "map-queue")


def _read(options: Options, context: Context) -> Action:
    given = [one for one in (options.get("add-set"), options.get("del-set")) if one]
    mapped = options.get("map-set")
    if not given and not mapped:
        options.need("add-set", "del-set", "map-set")
    timeout = number(one.word, 0, _LONGEST_TIMEOUT, "timeout") if (one := options.get("timeout")) else None
    for name in ("exist", "timeout"):
        options.together(name, "add-set")
    for name in _MAPS:
        options.together(name, "map-set")
    if mapped:
        name_and_sides(mapped.words)
        return options.opaque_action("it maps members of a set to marks, which only the set knows")
    for one in given:
        if reason := _unknown(one, context):
            return options.opaque_action(reason)
    operation = SetOperation.UPDATE if "exist" in options else SetOperation.ADD
    return Action(
        tuple(
            _update(one, context, SetOperation.DELETE, None)
            if one.option.name == "del-set"
            else _update(one, context, operation, timeout)
            for one in given
        )
    )


def _unknown(given: Given, context: Context) -> str:
    """Why no node holds it; empty where one does."""
    name, sides = name_and_sides(given.words)
    found = context.sets.get(name)
    if found is None:
        return unknown_set(name)
    if len(sides) < len(found.parts):
        raise too_few(given.words[1], name, len(found.parts))
    if found.family not in (context.family, None):
        return f"the set `{name}` is of the other family"
    return found.opaque


def _update(given: Given, context: Context, operation: SetOperation, timeout: int | None) -> UpdateSet:
    name, sides = name_and_sides(given.words)
    return UpdateSet(context.sets[name].key(sides), name, timeout, operation)


TARGET = TargetExtension(
    "SET",
    (
        Option("add-set", takes=2),
        Option("exist", takes=0),
        Option("timeout", saved=decimal),
        *(Option(name, takes=2) for name in ("del-set", "map-set")),
        *(Option(name, takes=0) for name in _MAPS),
    ),
    read=_read,
)
