"""``-m u32``: any bytes of the packet (net/netfilter/xt_u32.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import with_values
from polc.importers.iptables.values import integer

_NUMBER = r"\s*(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})\s*"
_LOCATION = rf"{_NUMBER}(?:(?:&|<<|>>|@){_NUMBER})*"
_TEST = rf"{_LOCATION}={_NUMBER}(?::{_NUMBER})?(?:,{_NUMBER}(?::{_NUMBER})?)*"
_TESTS = re.compile(rf"{_TEST}(?:&&{_TEST})*")
_LONGEST = 2000
_A_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_ONE = re.compile(r"(0x[0-9a-f]+):\1(?![0-9a-f])")


def _read(options: Options, _context: Context) -> Meaning:
    word = options.need("u32").word
    if len(word.text) > _LONGEST or not _TESTS.fullmatch(word.text):
        raise wrong(word, f"`{word.text[:40]}` is no list of tests such as `0 >> 22 & 0x3C @ 0 >> 24 = 0`")
    return Meaning((options.opaque("polc does not take apart what the bytes of a packet are"),))


def _hexadecimal(found: re.Match[str]) -> str:
    number = integer(found[0])
    return found[0] if number is None else f"{number:#x}"


def _saved(word: Word) -> str:
    """Without white space, every number hexadecimal, one for a range of one (libxt_u32.c, u32_dump)."""
    text = _A_NUMBER.sub(_hexadecimal, "".join(word.text.split()))
    return _ONE.sub(r"\1", text)


MATCH = MatchExtension(
    "u32", (Option("u32", negatable=True, text=True, quoted=True, saved=with_values(_saved)),), read=_read
)
