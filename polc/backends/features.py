"""Constructs that some supported nft, iptables or kernel does not have, and since when each is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Version = tuple[int, ...]


class Feature(Enum):
    """The value is its name in tables and in ``polc explain profiles``."""

    INET_INGRESS = "inet-ingress"
    NETDEV_EGRESS = "netdev-egress"
    FLOWTABLE = "flowtable"
    DESTROY = "destroy"
    CONCAT_RANGES = "concat-ranges"
    CT_TIMEOUT = "ct-timeout"
    CHAIN_COMMENT = "chain-comment"
    SET_COMMENT = "set-comment"
    SET_STATEMENT_JSON = "set-statement-json"
    SET_DYNAMIC_JSON = "set-dynamic-json"
    MARK_FROM_MARK = "mark-from-mark"
    TCP_OPTION_NUMBERS = "tcp-option-numbers"
    TCP_OPTION_NAMES = "tcp-option-names"
    TCP_OPTION_RESET = "tcp-option-reset"
    LAST_STATEMENT = "last-statement"
    QUEUE = "queue"
    QUEUE_EXPRESSION = "queue-expression"
    SYNPROXY = "synproxy"
    OSF = "osf"
    SOCKET = "socket"
    SOCKET_WILDCARD = "socket-wildcard"
    SOCKET_CGROUP = "socket-cgroup"
    TPROXY = "tproxy"
    IPSEC = "ipsec"
    CONCAT_RANGES_OF_NUMBERS = "concat-ranges-of-numbers"
    CONCAT_RANGE_MAPS = "concat-range-maps"
    INTERFACE_WILDCARD_SETS = "interface-wildcard-sets"
    CT_TIMEOUT_JSON = "ct-timeout-json"
    FLOWTABLE_JSON = "flowtable-json"
    CHAIN_DEVICE_JSON = "chain-device-json"
    CHAIN_DEVICES_JSON = "chain-devices-json"


@dataclass(frozen=True, slots=True)
class Requirement:
    """The first versions with a feature (None: every supported one has it); ``what`` is a noun that fits "has no"."""

    what: str
    source: str
    nft: Version | None = None
    iptables: Version | None = None
    kernel: Version | None = None


REQUIREMENTS: dict[Feature, Requirement] = {
    Feature.INET_INGRESS: Requirement("chains of inet tables at ingress", "", (0, 9, 7), kernel=(5, 10)),
    Feature.NETDEV_EGRESS: Requirement("chains at egress", "", (1, 0, 1), kernel=(5, 16)),
    Feature.FLOWTABLE: Requirement("flowtables", ""),
    Feature.DESTROY: Requirement("`destroy`", "", (1, 0, 7), kernel=(6, 3)),
    Feature.CONCAT_RANGES: Requirement("ranges in keys of several parts", "", (0, 9, 4), kernel=(5, 6)),
    Feature.CT_TIMEOUT: Requirement("timeouts of conntrack set by rules", ""),
    Feature.CHAIN_COMMENT: Requirement("comments of chains", "", (0, 9, 8), kernel=(5, 10)),
    Feature.SET_COMMENT: Requirement("comments of sets", "", (0, 9, 7), kernel=(5, 10)),
    Feature.SET_STATEMENT_JSON: Requirement("limits of elements of declared sets in JSON", "", (1, 0, 6)),
    Feature.SET_DYNAMIC_JSON: Requirement("the flag `dynamic` in JSON", "", (1, 1, 0)),
    Feature.MARK_FROM_MARK: Requirement("values made of the bits of two marks", "", (1, 1, 2), kernel=(6, 14)),
    # Loaded in Debian 11: text of nft 0.9.8 takes them, JSON of no version does.
    Feature.TCP_OPTION_NUMBERS: Requirement("TCP options by number", "", (0, 9, 8)),
    Feature.TCP_OPTION_NAMES: Requirement("names of the TCP options md5sig, mptcp and fastopen", "", (1, 0, 0)),
    Feature.TCP_OPTION_RESET: Requirement("reset of TCP options", "", (1, 0, 2), kernel=(5, 18)),
    Feature.LAST_STATEMENT: Requirement("the statement `last`", "", (1, 0, 0), kernel=(5, 14)),
    Feature.QUEUE: Requirement("queues to user space", ""),
    Feature.QUEUE_EXPRESSION: Requirement("queue numbers that are computed", "", (1, 0, 0)),
    Feature.SYNPROXY: Requirement("synproxy", ""),
    Feature.OSF: Requirement("fingerprints of operating systems", ""),
    Feature.SOCKET: Requirement("matches on sockets", ""),
    Feature.SOCKET_WILDCARD: Requirement("`socket wildcard`", "", (0, 9, 7), kernel=(5, 10)),
    Feature.SOCKET_CGROUP: Requirement("matches on control groups of version 2", "", (0, 9, 9), kernel=(5, 13)),
    Feature.TPROXY: Requirement("tproxy", ""),
    Feature.IPSEC: Requirement("matches on IPsec", ""),
    # Packets in Debian 11, 12 and 13: nft 0.9.8 leaves numbers in the order of the host's bytes.
    Feature.CONCAT_RANGES_OF_NUMBERS: Requirement("ranges of marks in keys of several parts", "", (1, 0, 6)),
    # nft 0.9.8 ends itself over them (expression.c, range_expr_value_low); named maps it takes.
    Feature.CONCAT_RANGE_MAPS: Requirement("anonymous maps with ranges in keys of several parts", "", (1, 0, 6)),
    # Release notes of nftables 1.0.3.
    Feature.INTERFACE_WILDCARD_SETS: Requirement("beginnings of interface names in sets", "", (1, 0, 3)),
    # Loaded in Debian 11, 12 and 13: nft 0.9.8 ends itself, 1.0.6 loses the times.
    Feature.CT_TIMEOUT_JSON: Requirement("timeouts of conntrack in JSON", "", (1, 1, 3)),
    # Loaded in Debian 11, 12 and 13: nft 0.9.8 ends itself over a flowtable and loads other devices for a chain than
    # those named, 1.0.6 ends itself over a list of them.
    Feature.FLOWTABLE_JSON: Requirement("flowtables in JSON", "", (1, 0, 6)),
    Feature.CHAIN_DEVICE_JSON: Requirement("chains of a device in JSON", "", (1, 0, 6)),
    Feature.CHAIN_DEVICES_JSON: Requirement("chains of several devices in JSON", "", (1, 1, 3)),
}
