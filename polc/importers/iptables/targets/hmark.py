"""``-j HMARK``: a mark from a hash of the packet (net/netfilter/xt_HMARK.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import decimal, with_values
from polc.importers.iptables.values import integer, listed, number

_TUPLE = {
    # what a part of the tuple stands for (libxt_HMARK.c, hmark_parse_type)
    "src": "hmark-src-prefix", "dst": "hmark-dst-prefix", "sport": "hmark-sport-mask", "dport": "hmark-dport-mask",
    "spi": "hmark-spi-mask", "proto": "hmark-proto-mask", "ct": "",
}  # fmt: skip
_HIGHEST = {
    "hmark-sport-mask": 0xFFFF,
    "hmark-dport-mask": 0xFFFF,
    "hmark-spi-mask": 0xFFFFFFFF,
    "hmark-sport": 0xFFFF,
    "hmark-dport": 0xFFFF,
    "hmark-spi": 0xFFFFFFFF,
    "hmark-proto-mask": 0xFFFF,
    "hmark-rnd": 0xFFFFFFFF,
    "hmark-offset": 0xFFFFFFFF,
}


def _read(options: Options, context: Context) -> Action:
    number(options.need("hmark-mod").word, 1, 0xFFFFFFFF)
    for given in options:
        name = given.option.name
        if name in _HIGHEST:
            number(given.word, 0, _HIGHEST[name])
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


def _hexadecimal(word: Word, width: int) -> str:
    """With so many digits (libxt_HMARK.c, HMARK_save)."""
    return f"0x{integer(word.text):0{width}x}"


def _option(name: str) -> Option:
    if name not in _HIGHEST or name == "hmark-offset":
        return Option(name, saved=decimal)
    width = 2 if name == "hmark-proto-mask" else 4 if _HIGHEST[name] == 0xFFFF else 8
    return Option(name, saved=with_values(lambda word: _hexadecimal(word, width)))


_ORDER = (
    *("src-prefix", "dst-prefix", "sport-mask", "dport-mask", "spi-mask", "sport", "dport", "spi", "proto-mask"),
    *("rnd", "mod", "offset"),
)
_OPTIONS = {f"hmark-{name}": _option(f"hmark-{name}") for name in _ORDER}
_PARTS = Option("hmark-tuple")


def _complete(options: Options) -> tuple[Given, ...]:
    """Parts of a tuple as the whole masks that they stand for (libxt_HMARK.c, HMARK_save)."""
    parts = options.get("hmark-tuple")
    if parts is None:
        return options.given
    at = parts.word.at
    chosen = {one.text for one in listed(parts.word)}
    masks = (name for part, name in _TUPLE.items() if part in chosen and name)
    words = ((name, f"{_HIGHEST[name]:#x}" if name in _HIGHEST else str(options.family.bits)) for name in masks)
    given = tuple(Given(_OPTIONS[name], False, (Word(text, at),), at) for name, text in words)
    flow = (parts._replace(words=(Word("ct", at),)),) if "ct" in chosen else ()
    return (*(one for one in options if one is not parts), *given, *flow)


TARGET = TargetExtension(
    "HMARK",
    (*_OPTIONS.values(), _PARTS),
    complete=_complete,
    read=_read,
)
