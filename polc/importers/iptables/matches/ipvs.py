"""``-m ipvs``: connections of the kernel's load balancer (net/netfilter/xt_ipvs.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.values import choice, masked_address, port
from polc.ir.addresses import prefix_length
from polc.ir.family import Family

_CHOICES: dict[str, dict[str, str]] = {
    "vdir": {"ORIGINAL": "", "REPLY": ""},
    "vmethod": {"GATE": "", "IPIP": "", "MASQ": ""},
}


def _read(options: Options, context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m ipvs` needs an option such as `--ipvs`", options.at)
    written = options.written(_as_printed(given, context.family) for given in options)
    return Meaning((options.opaque("nft does not see the connections of IPVS", written),))


def _as_printed(given: Given, family: Family) -> Given:
    """The option with numbers for names, as iptables-save prints it.

    Raises:
        Problem: its word is no value of it.
    """
    if not given.words:
        return given
    name, word = given.option.name, given.word
    match name:
        case "vproto":
            text = str(read_protocol(word))
        case "vport" | "vportctl":
            text = str(port(word))
        case "vaddr":
            _, mask = masked_address(word, family)
            length = prefix_length(family, mask, (1 << family.bits) - 1)
            if length is None or "/" not in word.text:
                return given
            text = f"{word.text.partition('/')[0]}/{length}"
        case _:
            text = choice(word, _CHOICES[name], f"value of --{name}")
    return given._replace(words=(word._replace(text=text),))


MATCH = MatchExtension(
    "ipvs",
    (
        Option("ipvs", takes=0, negatable=True),
        *(Option(name, negatable=True) for name in ("vproto", "vaddr", "vport", "vdir", "vmethod", "vportctl")),
    ),
    read=_read,
)
