"""Since when nft, iptables and Linux have a feature, and where that is written.

"1.0.2 announced" is the announcement of that release of nftables with its list of changes (netfilter-announce and
netfilter-devel, 2019 to 2026); "tried" is what releases 0.9.8, 1.0.2, 1.0.6, 1.0.9 and 1.1.3 did with a ruleset that
has it, on Linux 6.18; a CONFIG is the option that a kernel may have been built without.
"""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.features import Feature, Version


@dataclass(frozen=True, slots=True)
class Requirement:
    """The first versions with a feature, None where every supported one has it.

    ``what`` is a noun that fits "has no", ``source`` where the versions are from.
    """

    what: str
    source: str
    nft: Version | None = None
    iptables: Version | None = None
    kernel: Version | None = None


_NFT: dict[Feature, Requirement] = {
    Feature.INET_INGRESS: Requirement(
        "chains of inet tables at ingress", "0.9.7 announced, with Linux 5.10", (0, 9, 7), kernel=(5, 10)
    ),
    Feature.NETDEV: Requirement("tables of the family netdev", "CONFIG_NF_TABLES_NETDEV"),
    Feature.NETDEV_EGRESS: Requirement(
        "chains at egress", "1.0.1 announced, with Linux 5.16", (1, 0, 1), kernel=(5, 16)
    ),
    Feature.BRIDGE: Requirement("tables of the family bridge", "CONFIG_NF_TABLES_BRIDGE"),
    Feature.ARP: Requirement("tables of the family arp", "CONFIG_NF_TABLES_ARP"),
    Feature.CHAIN_DEVICE_JSON: Requirement(
        "chains of a device in JSON", "1.0.5 announced; tried: 1.0.2 takes another device than that named", (1, 0, 5)
    ),
    Feature.CHAIN_DEVICES_JSON: Requirement(
        "chains of several devices in JSON", "1.1.0 announced; tried: 1.0.9 drops them without a word", (1, 1, 0)
    ),
    Feature.CHAIN_COMMENT: Requirement("comments of chains", "0.9.7 announced, with Linux 5.10", (0, 9, 7)),
    Feature.CHAIN_COMMENT_JSON: Requirement(
        "comments of chains in JSON", "1.0.8 announced; tried: 1.0.6 drops them without a word", (1, 0, 8)
    ),
    Feature.FLOWTABLE: Requirement("flowtables", "CONFIG_NF_FLOW_TABLE"),
    Feature.FLOWTABLE_JSON: Requirement(
        "flowtables in JSON", "1.0.2 announced, mended in 1.0.6; tried: 0.9.8 ends itself", (1, 0, 6)
    ),
    Feature.FLOWTABLE_OFFLOAD: Requirement(
        "flowtables in hardware", "0.9.9 announced; tried: 0.9.8 does not know the flag", (0, 9, 9)
    ),
    Feature.DESTROY: Requirement("`destroy`", "1.0.7 announced, with Linux 6.3", (1, 0, 7), kernel=(6, 3)),
    Feature.CONCAT_RANGES: Requirement(
        "ranges in keys of several parts", "0.9.4 announced, with Linux 5.6", (0, 9, 4), kernel=(5, 6)
    ),
    Feature.CONCAT_RANGES_OF_NUMBERS: Requirement(
        "ranges of marks in keys of several parts",
        "1.0.6 announced; tried: 1.0.2 leaves them in the order of the host's bytes",
        (1, 0, 6),
    ),
    Feature.CONCAT_RANGE_MAPS: Requirement(
        "anonymous maps with ranges in keys of several parts", "1.0.0 announced; tried: 0.9.8 ends itself", (1, 0, 0)
    ),
    Feature.CATCHALL_ELEMENT: Requirement(
        "elements of sets for everything else",
        "1.0.0 announced it of 0.9.9, with Linux 5.13",
        (0, 9, 9),
        kernel=(5, 13),
    ),
    Feature.INTERFACE_WILDCARD_SETS: Requirement(
        "sets with the beginnings of interface names", "1.0.3 announced; tried: 1.0.2 refuses it", (1, 0, 3)
    ),
    Feature.CT_PORT_SET: Requirement(
        "sets of ports before NAT",
        "1.0.7 announced; tried: 1.0.6 lists them so that no nft can load the listing",
        (1, 0, 7),
    ),
    Feature.SET_COMMENT: Requirement("comments of sets", "0.9.7 announced, with Linux 5.10", (0, 9, 7)),
    Feature.SET_STATEMENT_JSON: Requirement(
        "limits of the elements of a declared set in JSON",
        "1.0.6 announced; tried: 1.0.2 drops them without a word",
        (1, 0, 6),
    ),
    Feature.SET_DYNAMIC_JSON: Requirement(
        "the flag `dynamic` of sets in JSON", "1.0.9 announced; tried: 1.0.6 refuses it", (1, 0, 9)
    ),
    Feature.CT: Requirement("conntrack", "CONFIG_NFT_CT"),
    Feature.FIB: Requirement("look-ups of routes", "CONFIG_NFT_FIB_INET"),
    Feature.NUMGEN: Requirement("generators of numbers", "CONFIG_NFT_NUMGEN"),
    Feature.OSF: Requirement("fingerprints of operating systems", "CONFIG_NFT_OSF"),
    Feature.SOCKET: Requirement("matches on sockets", "CONFIG_NFT_SOCKET"),
    Feature.SOCKET_WILDCARD: Requirement(
        "matches on what address a socket is bound to", "0.9.7 announced, with Linux 5.10", (0, 9, 7), kernel=(5, 10)
    ),
    Feature.IPSEC: Requirement("matches on IPsec", "CONFIG_XFRM (net/netfilter/nft_meta.c)"),
    Feature.TCP_OPTION_NUMBERS: Requirement("TCP options by number", "0.9.8 announced", (0, 9, 8)),
    Feature.TCP_OPTION_NAMES: Requirement(
        "names of the TCP options md5sig, mptcp and fastopen", "1.0.2 announced", (1, 0, 2)
    ),
    Feature.LIMIT: Requirement("rates", "CONFIG_NFT_LIMIT"),
    Feature.CONNLIMIT: Requirement("counts of connections", "CONFIG_NFT_CONNLIMIT"),
    Feature.QUOTA: Requirement("quotas", "CONFIG_NFT_QUOTA"),
    Feature.CT_MARK: Requirement("marks of flows", "CONFIG_NF_CONNTRACK_MARK"),
    Feature.CT_ZONE: Requirement("conntrack zones", "CONFIG_NF_CONNTRACK_ZONES"),
    Feature.CT_HELPER: Requirement("conntrack helpers", "CONFIG_NF_CONNTRACK_FTP and those of other protocols"),
    Feature.CT_TIMEOUT: Requirement("timeouts of flows set by rules", "CONFIG_NF_CONNTRACK_TIMEOUT"),
    Feature.CT_TIMEOUT_JSON: Requirement(
        "timeouts of flows in JSON", "1.0.9 announced; tried: 0.9.8 ends itself, 1.0.6 drops the times", (1, 0, 9)
    ),
    Feature.MARK_FROM_MARK: Requirement(
        "way to copy some bits of a mark to the other mark",
        "1.1.2 announced, with Linux 6.13 (commit b0ccf4f53d96); tried: 1.0.9 refuses it",
        (1, 1, 2),
        kernel=(6, 13),
    ),
    Feature.TCP_OPTION_RESET: Requirement(
        "overwriting of TCP options", "1.0.3 announced, with Linux 5.18", (1, 0, 3), kernel=(5, 18)
    ),
    Feature.LAST_STATEMENT: Requirement(
        "times of last use", "1.0.7 announced, with Linux 5.14", (1, 0, 7), kernel=(5, 14)
    ),
    Feature.LOG: Requirement("logs", "CONFIG_NFT_LOG"),
    Feature.REJECT: Requirement("rejects", "CONFIG_NFT_REJECT_INET"),
    Feature.REJECT_INGRESS: Requirement(
        "rejects at ingress", "0.9.8 announced, with Linux 5.11 (commit 6bbb9ad36c93)", (0, 9, 8), kernel=(5, 11)
    ),
    Feature.NAT: Requirement("NAT", "CONFIG_NFT_NAT"),
    Feature.MASQUERADE: Requirement("masquerading", "CONFIG_NFT_MASQ"),
    Feature.REDIRECT: Requirement("redirections", "CONFIG_NFT_REDIR"),
    Feature.QUEUE: Requirement("queues to user space", "CONFIG_NFT_QUEUE"),
    Feature.QUEUE_EXPRESSION: Requirement("computed numbers of queues", "1.0.0 announced", (1, 0, 0)),
    Feature.SYNPROXY: Requirement("synproxy", "CONFIG_NFT_SYNPROXY"),
    Feature.TPROXY: Requirement("tproxy", "CONFIG_NFT_TPROXY"),
    Feature.DUPLICATE: Requirement("copies of packets", "CONFIG_NFT_DUP_IPV4"),
}


def _of_iptables(feature: Feature) -> Requirement:
    """All supported versions have all of these: what a host lacks, its kernel was built without."""
    kind, _, name = feature.value.partition(" ")
    if kind == "ipset":
        return Requirement(f"sets of type `{name}`", f"CONFIG_IP_SET_{name.replace(':', '_').replace(',', '').upper()}")
    return Requirement(f"{kind} `{name}`", f"the option of the {kind} below CONFIG_NETFILTER_XTABLES")


REQUIREMENTS: dict[Feature, Requirement] = _NFT | {one: _of_iptables(one) for one in Feature if one not in _NFT}
