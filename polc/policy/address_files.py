"""Files of addresses: one address, prefix or range a line, with comments after `#`."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from struct import unpack

from polc.diagnostics import Collector, Diagnostic, Failure, Label
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.policy.files import read_text
from polc.policy.nodes import Node, Scalar

MOST_ERRORS = 20
"""Wrong lines of a file that are told; a file of the wrong kind has nothing else."""

LARGEST = 256 << 20
"""Bytes of the largest file: a million of the longest IPv6 prefixes have a fifth of it."""


def read_address_file(node: Node, collector: Collector) -> AddressSet | None:
    """The addresses of the file that ``node`` names, by a path relative to the policy; None when something is wrong.

    Wrong lines are recorded with their own places (POL116); a file that cannot be read (POL001, POL002) or has no
    addresses (POL106) at the node.
    """
    assert isinstance(node, Scalar)
    policy = node.span.source.path
    path = os.path.join("" if policy == "-" else os.path.dirname(policy), node.text)
    try:
        source = read_text(path, LARGEST)
    except Failure as failure:
        for one in failure.diagnostics:
            collector.add(one if one.labels else Diagnostic(one.code, one.message, (Label(node.span),), one.help))
        return None
    singles: dict[Family, bytearray] = {Family.IP: bytearray(), Family.IP6: bytearray()}
    others: list[tuple[Family, int, int]] = []
    errors = 0
    for offset, line in _slow_lines(source.text, singles):
        try:
            others.append(parse_address(line))
        except ValueError as error:
            errors += 1
            if errors > MOST_ERRORS:
                collector.error("POL116", "and more lines are wrong", node.span)
                return None
            collector.error("POL116", str(error), source.span(offset, offset + len(line)))
    if errors:
        return None
    found = AddressSet(*(_intervals(family, singles[family], others) for family in (Family.IP, Family.IP6)))
    if not found.families:
        hint = "a rule for no addresses matches nothing, or, negated, everything"
        collector.error("POL106", f"the file `{node.text}` has no addresses", node.span, help=hint)
        return None
    return found


def _slow_lines(text: str, singles: dict[Family, bytearray]) -> Iterator[tuple[int, str]]:
    """Put single addresses into ``singles``, as the bytes that they are; yield the rest with their offsets.

    Files have up to a million lines, nearly all single addresses, which the C library reads in a quarter of a
    microsecond.
    """
    pton, ip, ip6 = socket.inet_pton, socket.AF_INET, socket.AF_INET6
    four, six = singles[Family.IP], singles[Family.IP6]
    offset = 0
    for line in text.split("\n"):
        try:
            if ":" in line:
                six += pton(ip6, line)
            else:
                four += pton(ip, line)
        except (OSError, ValueError):
            bare = line.partition("#")[0].strip()
            if bare:
                yield offset + line.index(bare), bare
        offset += len(line) + 1


def _intervals(family: Family, singles: bytearray, others: Iterable[tuple[Family, int, int]]) -> Intervals:
    ranges = [(low, high) for of, low, high in others if of is family]
    if family is Family.IP:
        found = sorted(set(unpack(f">{len(singles) // 4}I", singles)))
    else:
        found = sorted({int.from_bytes(singles[at : at + 16], "big") for at in range(0, len(singles), 16)})
    return Intervals.of((*zip(found, found, strict=True), *ranges))
