"""``-m icmp``: types and codes of ICMP (net/ipv4/netfilter/ip_tables.c, icmp_match; names of libxt_icmp.h)."""

from __future__ import annotations

from collections.abc import Mapping

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import (
    Context,
    Given,
    IcmpTypes,
    MatchExtension,
    Meaning,
    Option,
    Options,
    Written,
)
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.protocols import ICMP

_ANY = 255

NAMES: dict[str, tuple[int, int | None]] = {
    "any": (_ANY, None),
    "echo-reply": (0, None), "pong": (0, None),
    "destination-unreachable": (3, None),
    "network-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
    "port-unreachable": (3, 3), "fragmentation-needed": (3, 4), "source-route-failed": (3, 5),
    "network-unknown": (3, 6), "host-unknown": (3, 7), "network-prohibited": (3, 9), "host-prohibited": (3, 10),
    "TOS-network-unreachable": (3, 11), "TOS-host-unreachable": (3, 12), "communication-prohibited": (3, 13),
    "host-precedence-violation": (3, 14), "precedence-cutoff": (3, 15),
    "source-quench": (4, None),
    "redirect": (5, None), "network-redirect": (5, 0), "host-redirect": (5, 1), "TOS-network-redirect": (5, 2),
    "TOS-host-redirect": (5, 3),
    "echo-request": (8, None), "ping": (8, None),
    "router-advertisement": (9, None), "router-solicitation": (10, None),
    "time-exceeded": (11, None), "ttl-exceeded": (11, None), "ttl-zero-during-transit": (11, 0),
    "ttl-zero-during-reassembly": (11, 1),
    "parameter-problem": (12, None), "ip-header-bad": (12, 0), "required-option-missing": (12, 1),
    "timestamp-request": (13, None), "timestamp-reply": (14, None),
    "address-mask-request": (17, None), "address-mask-reply": (18, None),
}  # fmt: skip


def icmp_type(given: Given, names: Mapping[str, tuple[int, int | None]]) -> IcmpTypes:
    """A type, a type and a code, or the name of one, of which the beginning is enough.

    Raises:
        Problem: it is none, or may be several.
    """
    word = given.word
    left, slash, right = word.text.partition("/")
    if word.text[:1].isdigit():
        kind = number(Word(left, word.at), 0, 255, "type of ICMP")
        code = number(Word(right, word.at), 0, 255, "code of ICMP") if slash else None
    else:
        kind, code = names[_named(word, names)]
    # Type 255 stands for any, whatever the code (icmp_type_code_match).
    return IcmpTypes(kind, (0, 255) if code is None else (code, code), given.negated)


def _named(word: Word, names: Mapping[str, tuple[int, int | None]]) -> str:
    text = word.text.lower()
    exact = [name for name in names if name.lower() == text]
    near = exact or [name for name in names if text and name.lower().startswith(text)]
    if len(near) == 1:
        return near[0]
    if near:
        raise wrong(word, f"`{word.text}` may be any of {', '.join(f'`{name}`' for name in near[:4])}")
    raise wrong(word, f"`{word.text}` is no type of ICMP", help=did_you_mean(word.text, names))


def _read(options: Options, _context: Context) -> Meaning:
    found = icmp_type(options.need("icmp-type"), NAMES)
    if found.type != _ANY:
        return Meaning(transport=(found,))
    return Meaning(never=True) if found.negated else Meaning(transport=(IcmpTypes(None),))


def types_as_saved(given: Given, names: Mapping[str, tuple[int, int | None]]) -> Written:
    """By its numbers."""
    found = icmp_type(given, names)
    code = "" if found.codes == (0, 255) else f"/{found.codes[0]}"
    return Written(given.option.name, (f"{found.type}{code}",), given.negated)


def _saved(given: Given) -> Written:
    found = icmp_type(given, NAMES)
    # Whatever the code.
    return Written(given.option.name, ("any",), given.negated) if found.type == _ANY else types_as_saved(given, NAMES)


MATCH = MatchExtension(
    "icmp",
    (Option("icmp-type", negatable=True, saved=_saved),),
    families=frozenset({Family.IP}),
    protocols=frozenset({ICMP}),
    read=_read,
)
