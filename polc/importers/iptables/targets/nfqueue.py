"""``-j NFQUEUE``: the packet to a program (net/netfilter/xt_NFQUEUE.c, libxt_NFQUEUE.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem, wrong
from polc.importers.iptables.values import number, number_range
from polc.ir.verdicts import Queue


def _read(options: Options, _context: Context) -> Action:
    given = options.among("queue-num", "queue-balance")
    first = last = 0
    if given and given.option.name == "queue-num":
        first = last = number(given.word, 0, 0xFFFF, "queue")
    elif given:
        first, last = number_range(given.word, 0xFFFF, "queue")
        if first == last or last - first == 0xFFFF:
            raise wrong(given.word, f"`{given.word.text}` is no range of 2 to 65535 queues")
    fanout = options.get("queue-cpu-fanout")
    if fanout and first == last:
        raise Problem(APART, "`--queue-cpu-fanout` needs `--queue-balance` beside it", fanout.at)
    return Action(verdict=Queue(first, last, "queue-bypass" in options, fanout is not None))


TARGET = TargetExtension(
    "NFQUEUE",
    (
        Option("queue-num"),
        Option("queue-balance"),
        Option("queue-bypass", takes=0),
        Option("queue-cpu-fanout", takes=0),
    ),
    read=_read,
)
