"""Hosts with all that their groups give them: the order of groups, what comes before what, values of variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from polc.backends.model import IpsetUse, Layout, Options
from polc.backends.profile import OLDEST, Profile
from polc.backends.profile_names import parse_profile
from polc.backends.registry import BACKENDS
from polc.diagnostics import Collector, Label
from polc.diagnostics.suggest import did_you_mean
from polc.fleet.model import Host, Inventory, Member
from polc.policy.merge import Part
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence
from polc.policy.variables import MARK, Values, filled

HOST = "host"
"""The variable that every host has: its name."""

_NO_SECTIONS = ("polc", "include")


def resolve(inventory: Inventory, names: Iterable[str], collector: Collector) -> list[Host]:
    """The hosts of these names, which the inventory has.

    What is wrong with a host or its groups goes to the collector, and such a host is not among those returned.
    """
    _check_groups(inventory, collector)
    if collector.has_errors:
        return []
    hosts: list[Host] = []
    for name in names:
        own = Collector()
        host = _host(inventory, inventory.hosts[name], own)
        collector.diagnostics += own.diagnostics
        if not own.has_errors:
            hosts.append(host)
    return hosts


def members_of(inventory: Inventory, host: Member) -> list[Member]:
    """What a host is made of, in order: what all have, its groups behind those that they are in, itself."""
    found: dict[str, Member] = {}

    def add(member: Member) -> None:
        for node in groups_of(member):
            if node.text not in found:
                add(inventory.groups[node.text])
                found[node.text] = inventory.groups[node.text]

    add(host)
    return [*((inventory.everyone,) if inventory.everyone else ()), *found.values(), host]


def groups_of(member: Member) -> Iterator[Scalar]:
    groups = member.body.get("groups")
    for node in groups.items if isinstance(groups, Sequence) else ():
        assert isinstance(node, Scalar)
        yield node


def _check_groups(inventory: Inventory, collector: Collector) -> None:
    """Record POL080 and POL081, and what of `policy` no inventory can say."""
    everyone = (inventory.everyone,) if inventory.everyone else ()
    if inventory.everyone and (groups := inventory.everyone.body.entries.get("groups")):
        collector.error("POL101", "`all` is in no groups", groups.key.span, help="every host has it before its groups")
    for member in (*everyone, *inventory.groups.values(), *inventory.hosts.values()):
        for node in groups_of(member):
            if node.text not in inventory.groups:
                hint = did_you_mean(node.text, inventory.groups)
                collector.error("POL080", f"there is no group `{node.text}`", node.span, help=hint)
        policy = member.body.get("policy")
        for name in _NO_SECTIONS if isinstance(policy, Mapping) else ():
            if name in policy.entries:
                hint = "it stands beside `policy`" if name == "include" else "the inventory's files have it"
                collector.error("POL101", f"unknown key `{name}`", policy.entries[name].key.span, help=hint)
        variables = member.body.get("variables")
        if isinstance(variables, Mapping) and HOST in variables.entries:
            span = variables.entries[HOST].key.span
            collector.error("POL083", f"`{HOST}` is the host's name, and cannot be another value", span)
    if not collector.has_errors:
        _check_circles(inventory, collector)


def _check_circles(inventory: Inventory, collector: Collector) -> None:
    done: set[str] = set()
    for name in inventory.groups:
        # Not by recursion: a chain of groups can be as long as the file.
        path: list[tuple[str, Iterator[Scalar]]] = [(name, groups_of(inventory.groups[name]))]
        through: list[Label] = []
        while path and name not in done:
            node = next(path[-1][1], None)
            if node is None:
                done.add(path.pop()[0])
                del through[-1:]
                continue
            open_groups = [one for one, _ in path]
            if node.text in open_groups:
                circle = through[open_groups.index(node.text) :]
                message = f"the group `{node.text}` is in itself" + ("" if node.text == path[-1][0] else " in the end")
                collector.error("POL081", message, node.span, label="closes the circle", also=circle)
                return
            if node.text not in done:
                through.append(Label(node.span, "in this group"))
                path.append((node.text, groups_of(inventory.groups[node.text])))


def _host(inventory: Inventory, host: Member, collector: Collector) -> Host:
    members = members_of(inventory, host)
    target = _last(members, "target") or "nft"
    return Host(
        host.name.text,
        inventory.source,
        tuple(_part(one) for one in members),
        _values(members, collector),
        target,
        _options(members, target, collector),
        frozenset(word for one in members for word in _words(one.body.get("allow-approximate"))),
    )


def _part(member: Member) -> Part:
    own = member.body.entries.get("policy")
    if own is None:
        return Part(member.body.get("include"), None)
    assert isinstance(own.value, Mapping)
    version = Entry(own.key, Scalar(1, own.key.span))
    return Part(member.body.get("include"), Mapping({"polc": version, **own.value.entries}, own.value.span))


def _entry(members: list[Member], key: str) -> Entry | None:
    """What the last one says that says anything."""
    return next((one.body.entries[key] for one in reversed(members) if key in one.body.entries), None)


def _last(members: list[Member], key: str) -> str | None:
    entry = _entry(members, key)
    return entry.value.text if entry and isinstance(entry.value, Scalar) else None


def _words(node: Node | None) -> list[str]:
    return [one.text for one in node.items if isinstance(one, Scalar)] if isinstance(node, Sequence) else []


def _options(members: list[Member], target: str, collector: Collector) -> Options:
    backend = BACKENDS[target]
    options = Options(backend.formats[0], _profile(members, collector))
    if (wanted := _entry(members, "format")) and isinstance(wanted.value, Scalar):
        if wanted.value.text not in backend.formats:
            formats = " or ".join(backend.formats)
            collector.error("POL084", f"{target} is written as {formats}", wanted.value.span)
        options = replace(options, format=wanted.value.text)
    if target == "iptables":
        layout, ipset = _last(members, "layout"), _last(members, "ipset")
        options = replace(options, layout=Layout(layout or "whole"), ipset=IpsetUse(ipset or "auto"))
    return options


def _profile(members: list[Member], collector: Collector) -> Profile:
    entry = _entry(members, "for")
    if entry is None:
        return OLDEST
    assert isinstance(entry.value, Scalar)
    try:
        return parse_profile(entry.value.text)
    except ValueError as error:
        collector.error("POL084", str(error), entry.value.span)
        return OLDEST


def _values(members: list[Member], collector: Collector) -> Values:
    """Values of all variables: those of later members, with the variables in them looked up."""
    written: dict[str, Entry] = {}
    for member in members:
        variables = member.body.get("variables")
        written |= variables.entries if isinstance(variables, Mapping) else {}
    done: dict[str, Scalar | Sequence] = {HOST: Scalar(members[-1].name.text, members[-1].name.span)}
    # A variable takes part in as many rounds as others stand between it and those that name none.
    waiting = {name: entry.value for name, entry in written.items()}
    while waiting:
        ready = {name for name, node in waiting.items() if not any(one in waiting for one in _named(node))}
        for name in ready:
            value = filled(waiting[name], done, collector)
            done[name] = value if isinstance(value, Scalar | Sequence) else Scalar("", waiting[name].span)
        if not ready:
            name = next(iter(waiting))
            also = tuple(Label(written[one].key.span, "and this one") for one in list(waiting)[1:])
            message = f"the value of `{name}` depends on itself"
            collector.error("POL085", message, written[name].key.span, also=also)
            break
        waiting = {name: node for name, node in waiting.items() if name not in ready}
    return done


def _named(node: Node) -> Iterator[str]:
    """The variables that a value names."""
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        text = item.value if isinstance(item, Scalar) else None
        for piece in text.replace("$${", "").split(MARK)[1:] if isinstance(text, str) else ():
            yield piece.partition("}")[0]
