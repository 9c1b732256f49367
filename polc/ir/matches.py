"""Matches: each is a predicate on a packet; a rule's matches must all hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, Flag

from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.ir.selectors import Direction as Direction
from polc.ir.selectors import Element, Selector
from polc.ir.selectors import InterfacePattern as InterfacePattern
from polc.ir.selectors import Side as Side
from polc.ir.selectors import disjoint_patterns as disjoint_patterns
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch


@dataclass(frozen=True, slots=True)
class InterfaceMatch:
    """The packet's interface has one of these names (``negated``: none of them).

    A packet has no ``oifname`` in prerouting and input and no ``iifname`` in output; in postrouting a forwarded one
    has its ``iifname`` since Linux 5.7 (net/ipv4/ip_output.c, ip_output). Where there is none, the kernel
    sees an empty name, which no pattern here matches (net/netfilter/nft_meta.c).
    """

    direction: Direction
    patterns: tuple[InterfacePattern, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AddressMatch:
    """The address is a member (``negated``: is not). A set without IPv6 members has no IPv6 packet in it,
    so its negation holds for all of them.
    """

    side: Side
    addresses: AddressSet
    negated: bool = False
    group: str = field(default="", compare=False)
    """The name of the group that the addresses are, where they are one."""


@dataclass(frozen=True, slots=True, order=True)
class PortTerm:
    """A transport protocol and, where it has ports, the ports on either side; None is any.

    ``protocol`` is a number of 0..255; ports are 0..65535. A fragment without the transport header has
    no ports and matches no term that names one.
    """

    protocol: int
    sport: Intervals | None = None
    dport: Intervals | None = None


@dataclass(frozen=True, slots=True, order=True)
class IcmpTerm:
    """An ICMP (1) or ICMPv6 (58) type and, or None for any, a code; both 0..255. Of packets of the protocol's own
    family: ICMPv6 in IPv4 has no types.
    """

    protocol: int
    type: int
    code: int | None = None


ServiceTerm = PortTerm | IcmpTerm


@dataclass(frozen=True, slots=True)
class ServiceMatch:
    """At least one term holds. Terms are disjoint, which ``polc.ir.services.normalise`` sees to."""

    terms: tuple[ServiceTerm, ...]

    def of_family(self, family: Family) -> ServiceMatch | None:
        """The terms that a packet of this family can meet, or None: ICMP is IPv4's, ICMPv6 is IPv6's."""
        terms = tuple(term for term in self.terms if ICMP_FAMILY.get(term.protocol, family) is family)
        return ServiceMatch(terms) if terms else None


class CtState(Flag):
    """Conntrack's verdict on a packet; the names are nft's (nft(8), CONNTRACK EXPRESSIONS).

    NEW: no packet of the reply direction has been seen yet. ESTABLISHED: one has. RELATED: begins a flow
    that a helper expected, or is an ICMP error about a tracked one. INVALID: conntrack could not place
    it. UNTRACKED: exempted by notrack (net/netfilter/nf_conntrack_core.c, nf_conntrack_in).
    """

    INVALID = 1
    ESTABLISHED = 2
    RELATED = 4
    NEW = 8
    UNTRACKED = 64


@dataclass(frozen=True, slots=True)
class CtStateMatch:
    """The packet's conntrack state is one of ``states``; a packet has exactly one state."""

    states: CtState


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """The field, under ``mask`` where there is one, has a value in ``values`` (``negated``: it has another one).

    A packet without the field matches neither form.
    """

    field: Field
    values: Intervals
    mask: int | None = None
    negated: bool = False


class FlagField(Enum):
    """Fields that are sets of bits; the value is nft's name."""

    TCP_FLAGS = "tcp flags"
    CT_STATUS = "ct status"


@dataclass(frozen=True, slots=True)
class FlagsMatch:
    """``field & mask == value`` (``negated``: not equal). "At least one of" is ``mask`` with value 0, negated.

    Bits are numbers as in ``polc.ir.fields``. Never to be merged with others as values of a set: bits
    outside the mask do not count.
    """

    field: FlagField
    mask: int
    value: int
    negated: bool = False


class NameField(Enum):
    """Fields whose values are names; the value is nft's name."""

    CT_HELPER = "ct helper"
    OSF_NAME = "osf name"


@dataclass(frozen=True, slots=True)
class NameMatch:
    """The conntrack helper that expected the flow, or the fingerprinted operating system of a SYN, has this name
    (``negated``: has another). A packet without either matches neither form.
    """

    field: NameField
    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ReversePathMatch:
    """RFC 3704's test: a route back to the source leaves by the packet's own interface (``loose``: by any).

    ``passes`` False: there is none (nft ``fib saddr . iif oif missing``, iptables ``-m rpfilter --invert``).
    Only in prerouting (net/ipv4/netfilter/nft_fib_ipv4.c, ipt_rpfilter.c).
    """

    loose: bool
    passes: bool


class AddressType(Enum):
    """What the routing table says an address is (nft(8), FIB EXPRESSIONS; iptables-extensions(8), addrtype)."""

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    ANYCAST = "anycast"
    MULTICAST = "multicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"


REJECTED = (AddressType.BLACKHOLE, AddressType.UNREACHABLE, AddressType.PROHIBIT)
"""Types of routes that lead nowhere."""


@dataclass(frozen=True, slots=True)
class AddressTypeMatch:
    """The address (``SADDR`` or ``DADDR``) is of one of ``types`` (``negated``: of none).

    ``interface``: what counts as local is asked of the packet's interface of that direction alone (nft ``fib daddr .
    iif type``, iptables ``--limit-iface-in``).
    """

    side: Side
    types: tuple[AddressType, ...]
    negated: bool = False
    interface: Direction | None = None


class Trait(Enum):
    """What a packet has or has not; the value is the word in ``where``.

    FRAGMENT: a second or later fragment (IPv4: offset not 0; IPv6: a fragment header with such an offset).
    IPSEC: came out of IPsec decapsulation (nft ``meta ipsec exists``, iptables ``-m policy --dir in --pol ipsec``).
    SOCKET: a local transparent socket would take it, one bound to any address too (nft ``socket transparent 1``,
    iptables ``-m socket --transparent --nowildcard``).
    """

    FRAGMENT = "fragment"
    IPSEC = "ipsec"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class TraitMatch:
    """The packet has the trait (``negated``: has it not)."""

    trait: Trait
    negated: bool = False


@dataclass(frozen=True, slots=True)
class TcpOptionMatch:
    """The TCP header has an option of this kind, 2..255 (``negated``: a TCP packet that has none of it).

    nft ``tcp option sack-perm exists``, iptables ``--tcp-option 4`` (RFC 9293, 3.2).
    """

    kind: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OriginalAddressMatch:
    """As ``AddressMatch``, of the address that the flow's first packet had before any NAT. A packet without a flow
    matches neither form. ``reply``: of the address that the flow's replies have.

    nft ``ct original ip saddr``, iptables ``--ctorigsrc`` (nft(8), CONNTRACK EXPRESSIONS).
    """

    side: Side
    addresses: AddressSet
    negated: bool = False
    reply: bool = False


class ExtensionHeader(Enum):
    """IPv6 extension headers; the value is nft's name (nft(8), EXTENSION HEADER EXPRESSIONS)."""

    HBH = "hbh"
    RT = "rt"
    FRAG = "frag"
    DST = "dst"
    MH = "mh"


@dataclass(frozen=True, slots=True)
class ExtensionHeaderMatch:
    """The IPv6 packet has the extension header (``negated``: has it not); no packet of IPv4 meets either."""

    header: ExtensionHeader
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SetMatch:
    """The packet's ``key`` is in an element of the named set now (``negated``: is in none).

    A packet that lacks a part of the key matches neither form, and an address is of the set's family.
    """

    key: tuple[Selector, ...]
    set_name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ElementMatch:
    """The packet's ``key`` is in one of ``elements`` (``negated``: in none), which are disjoint.

    A packet that lacks a part of the key matches neither form. With an address in the key the rule has one family.
    """

    key: tuple[Selector, ...]
    elements: tuple[Element, ...]
    negated: bool = False


class Syntax(Enum):
    """Whose words an opaque node has."""

    IPTABLES = "iptables"
    NFT_JSON = "nft json"


@dataclass(frozen=True, slots=True)
class NftWords:
    """What something is in nft's own words: in its language, and as a list of statements in JSON."""

    text: str
    json: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """Matches that come near to an opaque one: the ``name`` of that approximation, and the difference."""

    matches: tuple[Match, ...]
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class OpaqueMatch:
    """A predicate in a tool's own words, which nothing here looks into: for iptables an ``-m`` with its options, for
    nft one JSON statement in canonical form (libnftables-json(5)).

    It may keep state, and is asked once for each packet that reaches it. ``reason`` says why it is opaque, fit for a
    diagnostic. ``nft`` asks the same in nft's words; ``nearest`` is what to ask where nothing does.
    """

    words: str
    syntax: Syntax
    reason: str = field(default="", compare=False)
    nft: NftWords | None = None
    nearest: Nearest | None = None


Match = (
    InterfaceMatch
    | AddressMatch
    | OriginalAddressMatch
    | ServiceMatch
    | CtStateMatch
    | FieldMatch
    | FlagsMatch
    | NameMatch
    | ReversePathMatch
    | AddressTypeMatch
    | TraitMatch
    | TcpOptionMatch
    | ExtensionHeaderMatch
    | SetMatch
    | ElementMatch
    | EveryNth
    | RandomMatch
    | RecentMatch
    | Limit
    | Hits
    | Connections
    | Quota
    | OpaqueMatch
)

STATEFUL = (EveryNth, RandomMatch, RecentMatch, Limit, Hits, Connections, Quota, OpaqueMatch)
"""Matches that look at and change state: they stand last in a rule, and count only what reaches them."""


def protocol_of(match: Match) -> int | None:
    """The transport protocol of the packets that alone can meet the match, None where those of several can."""
    match match:
        case FieldMatch(field):
            return FIELDS[field].protocol
        case FlagsMatch(FlagField.TCP_FLAGS) | TcpOptionMatch() | NameMatch(NameField.OSF_NAME):
            return TCP
        case _:
            return None
