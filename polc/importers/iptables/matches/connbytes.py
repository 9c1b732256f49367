"""``-m connbytes``: what a flow has carried (net/netfilter/xt_connbytes.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import choice, number
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_HIGHEST = 2**64 - 1
_FIELDS: dict[tuple[str, str], Field] = {
    ("packets", "original"): Field.CT_ORIGINAL_PACKETS,
    ("packets", "reply"): Field.CT_REPLY_PACKETS,
    ("packets", "both"): Field.CT_PACKETS,
    ("bytes", "original"): Field.CT_ORIGINAL_BYTES,
    ("bytes", "reply"): Field.CT_REPLY_BYTES,
    ("bytes", "both"): Field.CT_BYTES,
    ("avgpkt", "original"): Field.CT_ORIGINAL_AVGPKT,
    ("avgpkt", "reply"): Field.CT_REPLY_AVGPKT,
    ("avgpkt", "both"): Field.CT_AVGPKT,
}
_MODES = {"packets": "", "bytes": "", "avgpkt": ""}
_DIRECTIONS = {"original": "", "reply": "", "both": ""}


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("connbytes")
    mode = choice(options.need("connbytes-mode").word, _MODES, "mode of connbytes")
    direction = choice(options.need("connbytes-dir").word, _DIRECTIONS, "direction of a flow")
    word = given.word
    left, colon, right = word.text.partition(":")
    low = number(Word(left, word.at), 0, _HIGHEST)
    high = number(Word(right, word.at), 0, _HIGHEST) if right else _HIGHEST
    if low > high:
        raise wrong(word, f"`{word.text}` is the wrong way round", help=f"write `{right}{colon}{left}`")
    return Meaning((FieldMatch(_FIELDS[mode, direction], Intervals(((low, high),)), None, given.negated),))


MATCH = MatchExtension(
    "connbytes",
    (Option("connbytes", negatable=True), Option("connbytes-mode"), Option("connbytes-dir")),
    read=_read,
)
