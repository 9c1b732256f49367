"""``-m sctp``: ports and chunks of SCTP (net/netfilter/xt_sctp.c)."""

from __future__ import annotations

import re

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.matches.udp import header_ports, port_options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import choice, listed
from polc.ir.protocols import SCTP

_FLAGS = {"DATA": "[IUBEiube]*", "I_DATA": "[IUBEiube]*", "ABORT": "[Tt]*", "SHUTDOWN_COMPLETE": "[Tt]*"}
_CHUNKS = {
    # by their numbers, which is the order of iptables-save
    **dict.fromkeys(
        (
            "DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "ABORT", "SHUTDOWN", "SHUTDOWN_ACK",
            "ERROR", "COOKIE_ECHO", "COOKIE_ACK", "ECN_ECNE", "ECN_CWR", "SHUTDOWN_COMPLETE", "I_DATA", "ASCONF_ACK",
            "RE_CONFIG", "PAD", "FORWARD_TSN", "ASCONF", "I_FORWARD_TSN",
        ),
        "",
    ),
    **_FLAGS,
}  # fmt: skip
_BITS = "IUBE", "T"
"""Flags in the order in which they are listed, small where they are clear."""


_WAYS = {"all": "", "any": "", "only": ""}


def _flags(types: Word) -> dict[str, str]:
    """The letters of each chunk in a list.

    Raises:
        Problem: there is no such chunk.
    """
    if types.text.upper() in ("ALL", "NONE"):
        return {types.text.upper(): ""}
    found: dict[str, str] = {}
    for one in listed(types):
        name, _, letters = one.text.partition(":")
        kind = name.upper()
        if kind not in _CHUNKS or not re.fullmatch(_CHUNKS[kind], letters):
            raise wrong(one, f"`{one.text}` is no chunk of SCTP", help=did_you_mean(name, _CHUNKS))
        found[kind] = found.get(kind, "") + letters
    return found


def _saved(given: Given) -> Written:
    """In the order of the numbers of chunks (libxt_sctp.c, print_chunks).

    It leaves out the flags of I_DATA, which would be another meaning, and so are said here.
    """
    how, types = given.words
    flags = _flags(types)
    chunks = [_with_letters(name, flags[name]) for name in ("ALL", "NONE", *_CHUNKS) if name in flags]
    return Written(given.option.name, (how.text.lower(), ",".join(chunks)), given.negated)


def _with_letters(name: str, letters: str) -> str:
    order = sorted(set(letters), key=lambda one: next(bits.index(one.upper()) for bits in _BITS if one.upper() in bits))
    return ":".join((name, "".join(order))) if letters else name


def _read(options: Options, _context: Context) -> Meaning:
    chunks = options.get("chunk-types")
    if chunks is None:
        return Meaning(transport=header_ports(options))
    how, types = chunks.words
    choice(how, _WAYS, "way to compare chunks")
    _flags(types)
    reason = "polc does not look into the chunks of SCTP"
    # Chunks are looked for behind the header, so that is there.
    ports = header_ports(options) if len(options.given) > 1 else ()
    return Meaning((options.only("chunk-types").opaque(reason),), ports)


MATCH = MatchExtension(
    "sctp",
    (*port_options(whole=True), Option("chunk-types", takes=2, negatable=True, saved=_saved)),
    protocols=frozenset({SCTP}),
    read=_read,
)
