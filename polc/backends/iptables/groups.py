"""Groups of addresses as ipsets: one lookup where there would be a line for each range.

All are ``hash:net`` with one limit, so that a group can change and the set be exchanged (``ipsets.file_text``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zlib import crc32

from polc.backends.iptables.extensions import settypes
from polc.backends.iptables.extensions.settypes import Form
from polc.backends.iptables.extensions.words import Refused, made_of
from polc.backends.iptables.ipsets import ENDINGS, LARGEST, LONGEST_NAME, NEW, Ipset
from polc.backends.iptables.ipsets import group as group_of
from polc.backends.iptables.needs import has_set
from polc.backends.model import IpsetUse, Options
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, ElementMatch, Side
from polc.ir.ruleset import Rule
from polc.ir.selectors import key_type

FEW = 100
"""Lines that cost a packet no more than the lookup in an ipset: measured, 1.5 ns a line with the legacy variant, 2.6
with the other one, and about 180 ns a lookup (Linux 6.18).
"""
_MOST_OF_A_NETWORK = 64  # interfaces, in hash:net,iface (ipset(8))


@dataclass(frozen=True, slots=True)
class Groups:
    """Of one family: what is an ipset. ``addresses`` by the name of the group, or "", and what it holds."""

    addresses: Mapping[tuple[str, Intervals], str]
    elements: Mapping[ElementMatch, tuple[str, Form]]
    sets: tuple[Ipset, ...]


def find(rules: Iterable[Rule], family: Family, options: Options, prefix: str, taken: set[str]) -> Groups:
    """What of the rules of a family is to be an ipset, under names that begin with ``prefix`` and are not ``taken``."""
    use = options.ipset
    addresses: dict[tuple[str, Intervals], str] = {}
    elements: dict[ElementMatch, tuple[str, Form]] = {}
    found: list[Ipset] = []
    if use is IpsetUse.NEVER:
        return Groups(addresses, elements, ())
    for rule in rules:
        if family not in rule.families:
            continue
        for match in rule.matches:
            match match:
                case AddressMatch(addresses=members, group=group):
                    own = members.of_family(family)
                    if (group, own) in addresses or not _is_group(len(own.ranges), group, use):
                        continue
                    form = Form("hash:net", (0,), None, None)
                    if not has_set(form.type, options.profile):
                        continue
                    group_name = _name(group, own.ranges, prefix, family, taken)
                    addresses[(group, own)] = group_name
                    texts = tuple(settypes.members(form, (own,), family))
                    found.append(group_of(group_name, form.type, family, texts))
                case ElementMatch() if match not in elements and _is_group(len(match.elements), "", use):
                    listed = _listed(match, family)
                    if listed is not None and has_set(listed[0].type, options.profile):
                        form, texts = listed
                        name = _name("", match.elements, prefix, family, taken)
                        elements[match] = name, form
                        found.append(group_of(name, form.type, family, texts))
                case _:
                    pass
    return Groups(addresses, elements, tuple(found))


def _is_group(lines: int, group: str, use: IpsetUse) -> bool:
    if use is IpsetUse.ALWAYS:
        return lines > 1 or (lines == 1 and bool(group))
    return lines > FEW


def _listed(match: ElementMatch, family: Family) -> tuple[Form, tuple[str, ...]] | None:
    """The form and members of elements that an ipset can be asked for, or None."""
    if not any(isinstance(one, Side) for one in match.key):
        return None
    types = tuple(key_type(one, family) for one in match.key)
    try:
        form = settypes.form(types, settypes.single_places(match.elements))
        settypes.directions(form, match.key)
        texts = tuple(member for element in match.elements for member in settypes.members(form, element, family))
    except Refused:
        return None
    # What has no ports is to meet neither form of the match.
    if (form.port is not None and match.negated) or len(texts) > LARGEST:
        return None
    return None if _crowded(form, texts) else (form, texts)


def _crowded(form: Form, texts: tuple[str, ...]) -> bool:
    """Whether a network has more interfaces than there is room for."""
    if form.type != "hash:net,iface":
        return False
    networks: dict[str, int] = {}
    for one in texts:
        network = one.partition(",")[0]
        networks[network] = networks.get(network, 0) + 1
    return max(networks.values(), default=0) > _MOST_OF_A_NETWORK


def _name(group: str, content: object, prefix: str, family: Family, taken: set[str]) -> str:
    """The group's own name, so that it stays when the group changes; without one, a name by what it holds."""
    end = ENDINGS[family]
    longest = LONGEST_NAME - len(NEW) - len(prefix) - len(end)
    fits = bool(group) and made_of(group, "-_") and len(group) <= longest and not group.endswith(NEW)
    middle = group if fits else f"{crc32(repr(group or content).encode()):08x}"
    while (name := f"{prefix}{middle}{end}") in taken:
        middle = f"{crc32(middle.encode()):08x}"
    taken.add(name)
    return name
