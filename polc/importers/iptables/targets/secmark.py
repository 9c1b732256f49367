"""``-j SECMARK``: a security label for the packet (net/netfilter/xt_SECMARK.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong

_LONGEST = 255


def _read(options: Options, _context: Context) -> Action:
    word = options.need("selctx").word
    if not 0 < len(word.text) <= _LONGEST:
        raise wrong(word, f"a security context has 1 to {_LONGEST} letters")
    return options.opaque_action("polc knows no security labels")


TARGET = TargetExtension(
    "SECMARK", (Option("selctx", text=True),), tables=frozenset({"mangle", "security"}), read=_read
)
