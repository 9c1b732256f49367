"""``-j NFQUEUE`` (net/netfilter/xt_NFQUEUE.c). Several queues share flows among them; of one, any CPU's is the same."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused
from polc.ir.verdicts import Queue

_MOST = 65535  # xt_NFQ_info_v3.queues_total holds 16 bits


def target(verdict: Queue) -> str:
    if verdict.last - verdict.first + 1 > _MOST:
        raise Refused("queues", f"iptables takes at most {_MOST} queues")
    bypass = " --queue-bypass" if verdict.bypass else ""
    if verdict.first == verdict.last:
        return f"-j NFQUEUE --queue-num {verdict.first}{bypass}"
    fanout = " --queue-cpu-fanout" if verdict.fanout else ""
    return f"-j NFQUEUE --queue-balance {verdict.first}:{verdict.last}{bypass}{fanout}"
