"""``-m ipvs``: connections of the kernel's load balancer (net/netfilter/xt_ipvs.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.values import choice, masked_address, port

_CHOICES: dict[str, dict[str, str]] = {
    "vdir": {"ORIGINAL": "", "REPLY": ""},
    "vmethod": {"GATE": "", "IPIP": "", "MASQ": ""},
}


def _read(options: Options, context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m ipvs` needs an option such as `--ipvs`", options.at)
    for given in options:
        name = given.option.name
        if name in _CHOICES:
            choice(given.word, _CHOICES[name], f"value of --{name}")
        elif name == "vproto":
            read_protocol(given.word)
        elif name == "vaddr":
            masked_address(given.word, context.family)
        elif name in ("vport", "vportctl"):
            port(given.word)
    return Meaning((options.opaque("nft does not see the connections of IPVS"),))


MATCH = MatchExtension(
    "ipvs",
    (
        Option("ipvs", takes=0, negatable=True),
        *(Option(name, negatable=True) for name in ("vproto", "vaddr", "vport", "vdir", "vmethod", "vportctl")),
    ),
    read=_read,
)
