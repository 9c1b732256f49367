"""``-j LED``: a light that blinks (net/netfilter/xt_LED.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number

_LONGEST = 27


def _read(options: Options, _context: Context) -> Action:
    name = options.need("led-trigger-id").word
    if not 0 < len(name.text) <= _LONGEST:
        raise wrong(name, f"`{name.text}` is no name of a trigger: those have 1 to {_LONGEST} letters")
    delay = options.get("led-delay")
    if delay and delay.word.text != "inf":
        number(delay.word, 0, 0xFFFFFFFF, "number of milliseconds")
    return options.opaque_action("nft lights no lamps")


TARGET = TargetExtension(
    "LED",
    (
        Option("led-trigger-id", text=True, quoted=True),
        Option("led-delay", saved=decimal),
        Option("led-always-blink", takes=0),
    ),
    read=_read,
)
