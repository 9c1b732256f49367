"""``-j HMARK``: a mark from a hash of the packet (net/netfilter/xt_HMARK.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.values import integer, listed, number

_TUPLE = ("src", "dst", "sport", "dport", "spi", "proto", "ct")
_HIGHEST = {
    "hmark-sport-mask": 0xFFFF,
    "hmark-dport-mask": 0xFFFF,
    "hmark-spi-mask": 0xFFFFFFFF,
    "hmark-proto-mask": 0xFFFF,
    "hmark-rnd": 0xFFFFFFFF,
    "hmark-offset": 0xFFFFFFFF,
    "hmark-sport": 0xFFFF,
    "hmark-dport": 0xFFFF,
    "hmark-spi": 0xFFFFFFFF,
}


def _read(options: Options, context: Context) -> Action:
    number(options.need("hmark-mod").word, 1, 0xFFFFFFFF)
    for given in options:
        name = given.option.name
        if name in _HIGHEST:
            # These are hexadecimal without a `0x`, too (libxt_HMARK.c, XTTYPE_UINT32 and UINT16 with base 16).
            text = given.word.text if given.word.text[:2] in ("0x", "0X") else f"0x{given.word.text}"
            found = integer(text)
            if found is None or found > _HIGHEST[name]:
                raise wrong(given.word, f"`{given.word.text}` is no number from 0 to {_HIGHEST[name]:#x}")
        elif name in ("hmark-src-prefix", "hmark-dst-prefix"):
            number(Word(given.word.text.lstrip("/"), given.word.at), 0, context.family.bits, "prefix length")
        elif name == "hmark-tuple":
            for one in listed(given.word):
                if one.text not in _TUPLE:
                    raise wrong(one, f"`{one.text}` is no part of a packet", help=did_you_mean(one.text, _TUPLE))
    spi = options.get("hmark-spi-mask")
    if spi and ("hmark-sport-mask" in options or "hmark-dport-mask" in options):
        raise Problem(APART, "a packet has ports or an SPI, and not both", spi.at)
    return options.opaque_action("nft hashes with another function, so that flows get other marks")


TARGET = TargetExtension(
    "HMARK",
    tuple(Option(name) for name in (*_HIGHEST, "hmark-mod", "hmark-src-prefix", "hmark-dst-prefix", "hmark-tuple")),
    read=_read,
)
