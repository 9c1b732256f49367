"""``-m u32``: any bytes of the packet (net/netfilter/xt_u32.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import wrong

_NUMBER = r"\s*(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})\s*"
_LOCATION = rf"{_NUMBER}(?:(?:&|<<|>>|@){_NUMBER})*"
_TEST = rf"{_LOCATION}={_NUMBER}(?::{_NUMBER})?(?:,{_NUMBER}(?::{_NUMBER})?)*"
_TESTS = re.compile(rf"{_TEST}(?:&&{_TEST})*")
_LONGEST = 2000


def _read(options: Options, _context: Context) -> Meaning:
    word = options.need("u32").word
    if len(word.text) > _LONGEST or not _TESTS.fullmatch(word.text):
        raise wrong(word, f"`{word.text[:40]}` is no list of tests such as `0 >> 22 & 0x3C @ 0 >> 24 = 0`")
    return Meaning((options.opaque("polc does not take apart what the bytes of a packet are"),))


MATCH = MatchExtension("u32", (Option("u32", negatable=True, text=True, quoted=True),), read=_read)
