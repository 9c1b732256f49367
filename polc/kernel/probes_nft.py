"""What is loaded to find out whether this host's nft and kernel have a feature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from polc.backends.features import Feature

TABLE: Final = "TABLE"
"""Stands for the name of the probe's own table."""

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class NftProbe:
    """``script`` is for ``nft -f``, or ``nft -j -f`` where it begins with a brace.

    The feature is there when it loads and the listing of its table, of family inet, then has ``listed``, and what nft
    tells of what it sends has ``explained``; or when it does not load because of ``tolerated``: the words of a driver
    that cannot do what the kernel can.
    """

    script: str
    listed: str = ""
    explained: str = ""
    tolerated: str = ""


def _table(body: str, family: str = "inet") -> str:
    return f"table {family} {TABLE} {{\n{body}\n}}\n"


def _rule(words: str, hook: str = "prerouting", *, type: str = "filter", priority: int = 0, body: str = "") -> str:
    return _table(f"{body}\nchain c {{\ntype {type} hook {hook} priority {priority}\n{words}\n}}")


_INGRESS: Final = 'chain c {\ntype filter hook ingress device "lo" priority 0\n'
_FLOWTABLE: Final = "flowtable f {\nhook ingress priority 0\ndevices = { lo }\n"


def _json(*objects: dict[str, Json]) -> str:
    """Objects, each of one kind, that are added to the table."""
    place: dict[str, Json] = {"family": "inet", "table": TABLE}
    found: list[Json] = [{"add": {"table": {"family": "inet", "name": TABLE}}}]
    for one in objects:
        ((kind, value),) = one.items()
        assert isinstance(value, dict)
        found.append({"add": {kind: {**place, **value}}})
    return json.dumps({"nftables": found})


_CHAIN: Final[dict[str, Json]] = {
    "chain": {"name": "c", "type": "filter", "hook": "prerouting", "prio": 0, "policy": "accept"}
}
_SOURCE: Final[dict[str, Json]] = {"payload": {"protocol": "ip", "field": "saddr"}}
_TIMEOUT: Final[dict[str, Json]] = {
    "ct timeout": {"name": "t", "protocol": "tcp", "l3proto": "ip", "policy": {"established": 100}}
}


def _rule_json(statement: dict[str, Json]) -> dict[str, Json]:
    return {"rule": {"chain": "c", "expr": [statement]}}


def _set_json(**more: Json) -> dict[str, Json]:
    return {"set": {"name": "s", "type": "ipv4_addr", "size": 8, **more}}


def _ingress_json(device: Json) -> dict[str, Json]:
    return {"chain": {"name": "c", "type": "filter", "hook": "ingress", "prio": 0, "dev": device}}


PROBES: dict[Feature, NftProbe] = {
    Feature.INET_INGRESS: NftProbe(_table(f"{_INGRESS}}}")),
    Feature.NETDEV: NftProbe(_table(f"{_INGRESS}}}", "netdev")),
    Feature.NETDEV_EGRESS: NftProbe(_table(f"{_INGRESS.replace('ingress', 'egress')}}}", "netdev")),
    Feature.BRIDGE: NftProbe(_table("chain c {\ntype filter hook input priority 0\n}", "bridge")),
    Feature.ARP: NftProbe(_table("chain c {\ntype filter hook input priority 0\n}", "arp")),
    Feature.CHAIN_DEVICE_JSON: NftProbe(_json(_ingress_json("lo")), 'device "lo"'),
    Feature.CHAIN_DEVICES_JSON: NftProbe(_json(_ingress_json(["lo"])), 'device "lo"'),
    Feature.CHAIN_COMMENT: NftProbe(_table('chain c {\ncomment "listed"\n}'), "listed"),
    Feature.CHAIN_COMMENT_JSON: NftProbe(_json({"chain": {"name": "c", "comment": "listed"}}), "listed"),
    Feature.FLOWTABLE: NftProbe(_table(f"{_FLOWTABLE}}}")),
    Feature.FLOWTABLE_JSON: NftProbe(
        _json(
            {"flowtable": {"name": "f", "hook": "ingress", "prio": 0, "dev": ["lo"]}},
            {"chain": {"name": "c", "type": "filter", "hook": "forward", "prio": 0}},
            _rule_json({"flow": {"op": "add", "flowtable": "@f"}}),
        )
    ),
    Feature.FLOWTABLE_OFFLOAD: NftProbe(_table(f"{_FLOWTABLE}flags offload\n}}"), tolerated="Operation not supported"),
    Feature.DESTROY: NftProbe(f"{_table('')}destroy table inet {TABLE}\n"),
    Feature.CONCAT_RANGES: NftProbe(
        _table("set s {\ntype ipv4_addr . inet_service\nflags interval\nelements = { 192.0.2.0/24 . 1-2 }\n}")
    ),
    Feature.CONCAT_RANGES_OF_NUMBERS: NftProbe(
        _rule("meta mark . ip saddr { 1-5 . 192.0.2.1, 7 . 192.0.2.9 }"), explained="byteorder"
    ),
    Feature.CONCAT_RANGE_MAPS: NftProbe(
        _rule("ip saddr . tcp dport vmap { 192.0.2.0/24 . 1-2 : accept, 192.0.3.0/24 . 4 : drop }")
    ),
    Feature.CATCHALL_ELEMENT: NftProbe(
        _table("set s {\ntype ipv4_addr\nflags interval\nelements = { 192.0.2.0/24, * }\n}")
    ),
    Feature.INTERFACE_WILDCARD_SETS: NftProbe(_rule('iifname { "eth*", "ppp0" }')),
    Feature.CT_PORT_SET: NftProbe(_rule("meta l4proto tcp ct original proto-dst { 5-7, 9 }"), "{ 5-7, 9 }"),
    Feature.SET_COMMENT: NftProbe(_table('set s {\ntype ipv4_addr\ncomment "listed"\n}'), "listed"),
    Feature.SET_STATEMENT_JSON: NftProbe(
        _json(
            _set_json(flags=["timeout"]),
            _CHAIN,
            _rule_json(
                {
                    "set": {
                        "op": "update",
                        "set": "@s",
                        "elem": {"elem": {"val": _SOURCE, "timeout": 60}},
                        "stmt": [{"limit": {"rate": 1, "per": "second", "burst": 5}}],
                    }
                }
            ),
        ),
        "limit rate",
    ),
    Feature.SET_DYNAMIC_JSON: NftProbe(_json(_set_json(flags=["dynamic", "timeout"])), "dynamic"),
    Feature.CT: NftProbe(_rule("ct state new")),
    Feature.FIB: NftProbe(_rule("fib saddr . iif oif exists\nfib daddr type local")),
    Feature.NUMGEN: NftProbe(_rule("numgen inc mod 3 == 0")),
    Feature.OSF: NftProbe(_rule('osf name "Linux"')),
    Feature.SOCKET: NftProbe(_rule("socket transparent 1")),
    Feature.SOCKET_WILDCARD: NftProbe(_rule("socket wildcard 1")),
    Feature.IPSEC: NftProbe(_rule("meta ipsec exists")),
    Feature.TCP_OPTION_NUMBERS: NftProbe(_rule("tcp option 77 exists")),
    Feature.TCP_OPTION_NAMES: NftProbe(_rule("tcp option md5sig exists\ntcp option fastopen exists")),
    Feature.LIMIT: NftProbe(_rule("limit rate 1/second")),
    Feature.CONNLIMIT: NftProbe(_rule("ct count over 3")),
    Feature.QUOTA: NftProbe(_rule("quota over 3 bytes")),
    Feature.CT_MARK: NftProbe(_rule("ct mark set 1")),
    Feature.CT_ZONE: NftProbe(_rule("ct zone set 1", priority=-300)),
    Feature.CT_HELPER: NftProbe(_rule('ct helper set "h"', body='ct helper h {\ntype "ftp" protocol tcp\n}')),
    Feature.CT_TIMEOUT: NftProbe(
        _rule('ct timeout set "t"', body="ct timeout t {\nprotocol tcp\nl3proto ip\npolicy = { established: 100 }\n}")
    ),
    Feature.CT_TIMEOUT_JSON: NftProbe(_json(_TIMEOUT, _CHAIN, _rule_json({"ct timeout": "t"})), "established"),
    Feature.MARK_FROM_MARK: NftProbe(_rule("ct mark set ct mark & 0xffff0000 ^ meta mark & 0x0000ffff")),
    Feature.TCP_OPTION_RESET: NftProbe(_rule("reset tcp option timestamp")),
    Feature.LAST_STATEMENT: NftProbe(_rule("last")),
    Feature.LOG: NftProbe(_rule('log prefix "x" level info\nlog group 1')),
    Feature.REJECT: NftProbe(_rule("reject", "input")),
    Feature.REJECT_INGRESS: NftProbe(_table(f"{_INGRESS}reject\n}}")),
    Feature.NAT: NftProbe(_rule("dnat ip to 192.0.2.1\ndnat ip6 to 2001:db8::1", type="nat")),
    Feature.MASQUERADE: NftProbe(_rule("masquerade", "postrouting", type="nat")),
    Feature.REDIRECT: NftProbe(_rule("tcp dport 80 redirect to :81", type="nat")),
    Feature.QUEUE: NftProbe(_rule("queue num 1")),
    Feature.QUEUE_EXPRESSION: NftProbe(_rule("queue to symhash mod 4")),
    Feature.SYNPROXY: NftProbe(_rule("tcp dport 80 synproxy mss 1460 wscale 7 timestamp sack-perm", "input")),
    Feature.TPROXY: NftProbe(_rule("meta l4proto tcp tproxy to :80")),
    Feature.DUPLICATE: NftProbe(
        _table('chain c {\ntype filter hook prerouting priority 0\ndup to 192.0.2.1 device "lo"\n}', "ip")
    ),
}
