"""``-m connbytes``: what a flow has carried (net/netfilter/xt_connbytes.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import lowered, with_values
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
    return Meaning((FieldMatch(_FIELDS[mode, direction], Intervals((_range(given.word),)), None, given.negated),))


def _range(word: Word) -> tuple[int, int]:
    """One number is the least: there is no end."""
    left, colon, right = word.text.partition(":")
    low = number(Word(left, word.at), 0, _HIGHEST)
    high = number(Word(right, word.at), 0, _HIGHEST) if right else _HIGHEST
    if low > high:
        raise wrong(word, f"`{word.text}` is the wrong way round", help=f"write `{right}{colon}{left}`")
    return low, high


def _saved(word: Word) -> str:
    """Its list has no words for 0 and no more: that has its end here."""
    low, high = _range(word)
    return str(low) if high == _HIGHEST else f"{low}:{high}"


MATCH = MatchExtension(
    "connbytes",
    (
        Option("connbytes", negatable=True, saved=with_values(_saved)),
        Option("connbytes-mode", saved=lowered),
        Option("connbytes-dir", saved=lowered),
    ),
    read=_read,
)
