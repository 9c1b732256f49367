"""``-m string``: a text anywhere in the packet (net/netfilter/xt_string.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.saved import lowered
from polc.importers.iptables.values import choice, number

_UNSAID = {"from": 0, "to": 0xFFFF}
_PART = re.compile(r"\\(.)|\| *((?:[0-9a-fA-F]{2} ?)+)\|(.?)|([^\\|])|\|\Z", re.DOTALL)
"""A backslash, or a bar that ends what is hexadecimal, takes the next character as it is (libxt_string.c,
parse_hex_string)."""
_LONGEST = 128  # XT_STRING_MAX_PATTERN_SIZE


def _read(options: Options, _context: Context) -> Meaning:
    choice(options.need("algo").word, {"bm": "", "kmp": ""}, "algorithm")
    given = options.need("string", "hex-string")
    size = len(_pattern(given))
    if not 0 < size <= _LONGEST:
        raise wrong(given.word, f"a pattern has 1 to {_LONGEST} bytes, and this has {size}")
    for name in ("from", "to"):
        if bound := options.get(name):
            number(bound.word, 0, 0xFFFF, "offset")
    return Meaning((options.opaque("nft does not search packets for texts"),))


def _pattern(given: Given) -> bytes:
    """The bytes that are looked for.

    Raises:
        Problem: what stands between bars is not hexadecimal.
    """
    if given.option.name == "string":
        return given.word.text.encode("utf-8", "replace")
    text = given.word.text
    found, at = b"", 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise wrong(given.word, f"`{text[at:]}` is no hexadecimal text between bars, and neither other text")
        literal, digits, after, plain = part.groups("")
        found += bytes.fromhex(digits) + f"{literal}{after}{plain}".encode("utf-8", "replace")
        at = part.end()
    return found


def _saved(given: Given) -> Written:
    """All of it in hexadecimal, where a byte has no character of ASCII (libxt_string.c, is_hex_string)."""
    pattern = _pattern(given)
    text = pattern.decode("ascii", "replace")
    if all(one.isascii() and one.isprintable() for one in text):
        return Written("string", (text,), given.negated)
    return Written("hex-string", (f"|{pattern.hex()}|",), given.negated)


def _bound(given: Given) -> Written | None:
    """Not where it is the beginning, or the end, of every packet."""
    value = number(given.word, 0, 0xFFFF)
    return None if value == _UNSAID[given.option.name] else Written(given.option.name, (str(value),))


MATCH = MatchExtension(
    "string",
    (
        Option("string", negatable=True, text=True, quoted=True, saved=_saved),
        Option("hex-string", negatable=True, text=True, quoted=True, saved=_saved),
        Option("algo", saved=lowered),
        *(Option(name, saved=_bound) for name in _UNSAID),
        Option("icase", takes=0),
    ),
    read=_read,
)
