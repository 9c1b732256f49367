"""What rules of iptables and ipsets have counted and hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from polc.backends.iptables.compare_ipsets import sets_left_by
from polc.live.counted import Counted, Element, FilledSet

_RULE = re.compile(r"\[(\d+):(\d+)\] -A (\S+)(.*)")
_COMMENT = re.compile(r'--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))')


def counts(saved: str, prefix: str) -> Iterator[Counted]:
    """Of every rule in what iptables-save -c has printed; with a ``prefix``, those of chains that begin so."""
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif (found := _RULE.match(line)) and found[3].startswith(prefix):
            comment = _COMMENT.search(found[4])
            origin = (comment[1] or comment[2] or "") if comment else ""
            yield Counted(origin, f"{table} {found[3]}", int(found[1]), int(found[2]))


def filled(saved: str, names: frozenset[str]) -> Iterator[FilledSet]:
    """The sets of these names in what ipset save has printed."""
    held = sets_left_by(saved)
    members: dict[str, list[Element]] = {name: [] for name in names}
    for line in saved.splitlines():
        match line.split():
            case ["add", name, member, *options] if name in names:
                values = dict(zip(options[::2], options[1::2], strict=False))
                left = int(values["timeout"]) if values.get("timeout", "0") != "0" else None
                packets = int(values["packets"]) if "packets" in values else None
                members[name].append(Element(member, left, packets))
            case _:
                pass
    for name in sorted(names & held.keys()):
        size = held[name].options.get("maxelem")
        yield FilledSet(name, int(size) if size else None, tuple(members[name]))
