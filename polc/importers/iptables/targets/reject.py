"""``-j REJECT``: an answer to the sender (net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.ir.family import Family
from polc.ir.protocols import TCP
from polc.ir.verdicts import Reject, RejectType

_TYPES: dict[Family, dict[str, RejectType]] = {
    # libipt_REJECT.c and libip6t_REJECT.c, names and their aliases
    Family.IP: {
        "icmp-net-unreachable": RejectType.NET_UNREACHABLE, "net-unreach": RejectType.NET_UNREACHABLE,
        "icmp-host-unreachable": RejectType.HOST_UNREACHABLE, "host-unreach": RejectType.HOST_UNREACHABLE,
        "icmp-proto-unreachable": RejectType.PROTO_UNREACHABLE, "proto-unreach": RejectType.PROTO_UNREACHABLE,
        "icmp-port-unreachable": RejectType.PORT_UNREACHABLE, "port-unreach": RejectType.PORT_UNREACHABLE,
        "icmp-net-prohibited": RejectType.NET_PROHIBITED, "net-prohib": RejectType.NET_PROHIBITED,
        "icmp-host-prohibited": RejectType.HOST_PROHIBITED, "host-prohib": RejectType.HOST_PROHIBITED,
        "tcp-reset": RejectType.TCP_RESET, "tcp-rst": RejectType.TCP_RESET,
        "icmp-admin-prohibited": RejectType.ADMIN_PROHIBITED, "admin-prohib": RejectType.ADMIN_PROHIBITED,
    },
    Family.IP6: {
        "icmp6-no-route": RejectType.NO_ROUTE, "no-route": RejectType.NO_ROUTE,
        "icmp6-adm-prohibited": RejectType.ADMIN_PROHIBITED, "adm-prohibited": RejectType.ADMIN_PROHIBITED,
        "icmp6-addr-unreachable": RejectType.ADDR_UNREACHABLE, "addr-unreach": RejectType.ADDR_UNREACHABLE,
        "icmp6-port-unreachable": RejectType.PORT_UNREACHABLE, "port-unreach": RejectType.PORT_UNREACHABLE,
        "tcp-reset": RejectType.TCP_RESET,
        "icmp6-policy-fail": RejectType.POLICY_FAIL, "policy-fail": RejectType.POLICY_FAIL,
        "icmp6-reject-route": RejectType.REJECT_ROUTE, "reject-route": RejectType.REJECT_ROUTE,
    },
}  # fmt: skip


def _type(word: Word, family: Family) -> RejectType:
    known = _TYPES[family]
    text = word.text.lower()
    # Of names with the same beginning the tools take the first.
    found = known.get(text) or next((one for name, one in known.items() if text and name.startswith(text)), None)
    if found is None:
        raise wrong(word, f"`{word.text}` is no answer", help=did_you_mean(text, known))
    return found


def _read(options: Options, context: Context) -> Action:
    given = options.get("reject-with")
    answer = _type(given.word, context.family) if given else RejectType.PORT_UNREACHABLE
    if answer is RejectType.TCP_RESET and context.protocol != TCP:
        raise Problem(APART, "`tcp-reset` needs `-p tcp`", given.word.at if given else options.at)
    return Action(verdict=Reject(answer))


TARGET = TargetExtension("REJECT", (Option("reject-with"),), tables=frozenset({"filter"}), read=_read)
