"""What ``nft -j list`` leaves out of what is there, by versions of nft, each with a ruleset that shows it.

None of it changes what packets meet in a table of polc's. Who reads listings of others has to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEASURED: Final = ("0.9.8", "1.0.6", "1.1.3", "1.1.7")
"""The versions that were asked, oldest first."""


@dataclass(frozen=True, slots=True)
class Loss:
    """``what`` a listing lacks in the versions ``of``.

    ``example`` is a file for ``nft -f``; ``text`` stands in what ``nft list`` says of it (empty: that lacks it too),
    and ``json`` in what ``nft -j list`` says where nothing is lost.
    """

    name: str
    what: str
    of: tuple[str, ...]
    example: str
    text: str
    json: str


_TO_1_0 = ("0.9.8", "1.0.6")
_SET: Final = "table inet t {{\n\tset s {{\n\t\ttype ipv4_addr\n\t\t{}\n\t}}\n}}\n"

LOSSES: Final = (
    Loss("dynamic", "that a set is filled by rules", _TO_1_0, _SET.format("flags dynamic"), "dynamic", '"dynamic"'),
    Loss(
        "auto-merge",
        "that a set joins ranges that overlap",
        _TO_1_0,
        _SET.format("flags interval\n\t\tauto-merge"),
        "auto-merge",
        '"auto-merge"',
    ),
    Loss(
        "set-statement",
        "the counter or limit of a set's elements",
        ("0.9.8",),
        _SET.format("counter"),
        "counter",
        "stmt",
    ),
    Loss(
        "typeof",
        "the expression that a set's type was taken from; the type is listed",
        _TO_1_0,
        "table inet t {\n\tset s {\n\t\ttypeof ip saddr . tcp dport\n\t}\n}\n",
        "typeof ip saddr",
        '"typeof"',
    ),
    Loss(
        "chain-comment",
        "comments of chains",
        _TO_1_0,
        'table inet t {\n\tchain c {\n\t\tcomment "words"\n\t}\n}\n',
        "words",
        "words",
    ),
    Loss(
        "table-comment",
        "comments of tables",
        _TO_1_0,
        'table inet t {\n\tcomment "words"\n}\n',
        "words",
        "words",
    ),
    Loss(
        "counter-comment",
        "comments of counters and other objects",
        ("0.9.8",),
        'table inet t {\n\tcounter c {\n\t\tcomment "words"\n\t}\n}\n',
        "words",
        "words",
    ),
    Loss(
        "dormant",
        "that a table is dormant: its flags are cut to one letter",
        _TO_1_0,
        "table inet t {\n\tflags dormant\n}\n",
        "dormant",
        "dormant",
    ),
    Loss(
        "devices",
        "the interface of a chain at ingress",
        _TO_1_0,
        'table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device "lo" priority 0\n\t}\n}\n',
        "lo",
        '"dev"',
    ),
    Loss(
        "concatenated-prefix",
        "the length of an IPv6 prefix in an element of several parts: shorter ones are listed as 64",
        ("0.9.8",),
        "table inet t {\n\tset s {\n\t\ttype ipv6_addr . inet_service\n\t\tflags interval\n"
        "\t\telements = { 2001:db8:8::/48 . 22 }\n\t}\n}\n",
        "",
        '"len": 48',
    ),
    Loss(
        "milliseconds",
        "parts of a second of the time that a flow has left",
        MEASURED,
        "table inet t {\n\tchain c {\n\t\tct expiration 1500ms\n\t}\n}\n",
        "",
        "500",
    ),
)


def measured(version: str) -> str:
    """The version that another one is taken for: the newest that is not newer than it."""
    return max((one for one in MEASURED if _parts(one) <= _parts(version)), key=_parts, default=MEASURED[0])


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
