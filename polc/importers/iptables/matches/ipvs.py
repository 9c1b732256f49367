"""``-m ipvs``: connections of the kernel's load balancer (net/netfilter/xt_ipvs.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.saved import network, with_values
from polc.importers.iptables.values import choice, host_and_mask, port

_CHOICES: dict[str, dict[str, str]] = {
    "vdir": {"ORIGINAL": "", "REPLY": ""},
    "vmethod": {"GATE": "", "IPIP": "", "MASQ": ""},
}


def _read(options: Options, context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m ipvs` needs an option such as `--ipvs`", options.at)
    if given := options.get("vaddr"):
        host_and_mask(given.word, context.family)
    # What is no value of its option has no text.
    return Meaning((options.opaque("nft does not see the connections of IPVS"),))


def _choice(name: str) -> Option:
    known = _CHOICES[name]
    return Option(name, negatable=True, saved=with_values(lambda word: choice(word, known, f"value of --{name}")))


MATCH = MatchExtension(
    "ipvs",
    (
        Option("ipvs", takes=0, negatable=True),
        Option("vproto", negatable=True, saved=with_values(lambda word: str(read_protocol(word)))),
        Option("vaddr", negatable=True, saved=network),
        Option("vport", negatable=True, saved=with_values(lambda word: str(port(word)))),
        *map(_choice, _CHOICES),
        Option("vportctl", negatable=True, saved=with_values(lambda word: str(port(word)))),
    ),
    read=_read,
)
