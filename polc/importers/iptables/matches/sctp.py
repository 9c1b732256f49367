"""``-m sctp``: ports and chunks of SCTP (net/netfilter/xt_sctp.c)."""

from __future__ import annotations

import re

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.udp import PORT_OPTIONS, header_ports
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.values import choice, listed
from polc.ir.protocols import SCTP

_FLAGS = {"DATA": "[IUBEiube]*", "I_DATA": "[IUBEiube]*", "ABORT": "[Tt]*", "SHUTDOWN_COMPLETE": "[Tt]*"}
_CHUNKS = {
    **dict.fromkeys(
        (
            "DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "ABORT", "SHUTDOWN", "SHUTDOWN_ACK",
            "ERROR", "COOKIE_ECHO", "COOKIE_ACK", "ECN_ECNE", "ECN_CWR", "SHUTDOWN_COMPLETE", "ASCONF", "ASCONF_ACK",
            "FORWARD_TSN", "I_DATA", "RE_CONFIG", "PAD", "I_FORWARD_TSN",
        ),
        "",
    ),
    **_FLAGS,
}  # fmt: skip


def _read(options: Options, _context: Context) -> Meaning:
    chunks = options.get("chunk-types")
    if chunks is None:
        return Meaning(transport=header_ports(options))
    how, types = chunks.words
    choice(how, {"all": "", "any": "", "only": ""}, "way to compare chunks")
    for one in listed(types) if types.text.upper() not in ("ALL", "NONE") else ():
        name, _, flags = one.text.partition(":")
        if name.upper() not in _CHUNKS or not re.fullmatch(_CHUNKS[name.upper()], flags):
            raise wrong(one, f"`{one.text}` is no chunk of SCTP", help=did_you_mean(name, _CHUNKS))
    reason = "polc does not look into the chunks of SCTP"
    # Chunks are looked for behind the header, so that is there.
    ports = header_ports(options) if len(options.given) > 1 else ()
    return Meaning((options.only("chunk-types").opaque(reason),), ports)


MATCH = MatchExtension(
    "sctp",
    (*PORT_OPTIONS, Option("chunk-types", takes=2, negatable=True)),
    protocols=frozenset({SCTP}),
    read=_read,
)
