"""``-m comment``: the rule's comment, of at most 255 bytes (uapi/linux/netfilter/xt_comment.h)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import wrong

_LONGEST = 255


def _read(options: Options, _context: Context) -> Meaning:
    word = options.need("comment").word
    if len(word.text.encode("utf-8", "replace")) > _LONGEST:
        raise wrong(word, f"a comment has at most {_LONGEST} bytes")
    return Meaning(comment=word.text)


MATCH = MatchExtension("comment", (Option("comment", text=True),), read=_read)
