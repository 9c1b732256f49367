"""``-m string``: a text anywhere in the packet (net/netfilter/xt_string.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import choice, number

_PRINTED = ("string", "hex-string", "algo", "from", "to", "icase")
_EVERYWHERE = (("from", ["0"]), ("to", ["65535"]))
_LONGEST = 128  # XT_STRING_MAX_PATTERN_SIZE


def _read(options: Options, _context: Context) -> Meaning:
    choice(options.need("algo").word, {"bm": "", "kmp": ""}, "algorithm")
    given = options.need("string", "hex-string")
    size = len(given.word.text.encode("utf-8", "replace"))
    if given.option.name == "hex-string":
        size = _hexadecimal(given.word)
    if not 0 < size <= _LONGEST:
        raise wrong(given.word, f"a pattern has 1 to {_LONGEST} bytes, and this has {size}")
    for name in ("from", "to"):
        if bound := options.get(name):
            number(bound.word, 0, 0xFFFF, "offset")
    printed = (one for one in options if (one.option.name, [word.text for word in one.words]) not in _EVERYWHERE)
    ordered = sorted(printed, key=lambda one: _PRINTED.index(one.option.name))
    return Meaning((options.opaque("nft does not search packets for texts", options.written(ordered)),))


def _hexadecimal(word: Word) -> int:
    """How many bytes a pattern has in which hexadecimal digits stand between bars."""
    size = 0
    for number_of_part, part in enumerate(word.text.split("|")):
        if number_of_part % 2 == 0:
            size += len(part.replace("\\", "").encode("utf-8", "replace"))
        elif not re.fullmatch("(?:[0-9a-fA-F]{2})*", part.replace(" ", "")):
            raise wrong(word, f"`|{part}|` is no hexadecimal text")
        else:
            size += len(part.replace(" ", "")) // 2
    return size


MATCH = MatchExtension(
    "string",
    (
        Option("algo"),
        Option("string", negatable=True, text=True, quoted=True),
        Option("hex-string", negatable=True, text=True, quoted=True),
        Option("from"),
        Option("to"),
        Option("icase", takes=0),
    ),
    read=_read,
)
