"""``-j IDLETIMER``: tells when nothing has come for a while (net/netfilter/xt_IDLETIMER.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number

_LONGEST = 27


def _read(options: Options, _context: Context) -> Action:
    number(options.need("timeout").word, 1, 0xFFFFFFFF)
    label = options.need("label").word
    if not 0 < len(label.text) <= _LONGEST:
        raise wrong(label, f"`{label.text}` is no label: those have 1 to {_LONGEST} letters")
    return options.opaque_action("nft has no timers that programs could wait for")


TARGET = TargetExtension(
    "IDLETIMER",
    (Option("timeout", saved=decimal), Option("label", text=True), Option("alarm", takes=0)),
    read=_read,
)
