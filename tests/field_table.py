"""The table of the fields of ``where`` in ``docs/language.md``, made from the code that knows them.

``python tests/field_table.py`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from polc.diagnostics import Collector
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, TCP_OPTION_KINDS, Field
from polc.ir.matches import AddressType, ExtensionHeader, FlagField, NameField, Trait
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import IP_HOOKS, Hook
from polc.policy.lower.places import check_field
from polc.policy.lower.scope import Place, Scope, StateTables, Symbols
from polc.policy.lower.sections import LISTS, NAT_LISTS
from polc.source import SourceFile

PAGE = Path(__file__).parent.parent / "docs" / "language.md"
BEGIN, END = "<!-- fields: python tests/field_table.py -->\n", "<!-- end of fields -->\n"

_SECTIONS = tuple(Place(hook.value, hook) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT))
PLACES = (*LISTS, *_SECTIONS, *NAT_LISTS)

EXAMPLES: dict[Field | FlagField | NameField | Trait, str] = {
    Field.TTL: "ip ttl < 5",
    Field.IP_DSCP: "ip dscp ef, af31",
    Field.IP_ECN: "ip ecn ce",
    Field.IP_LENGTH: "ip length 20-100",
    Field.HOPLIMIT: "ip6 hoplimit 255",
    Field.IP6_DSCP: "ip6 dscp cs1",
    Field.IP6_ECN: "ip6 ecn != not-ect",
    Field.TCP_MSS: "tcp option maxseg size 1-535",
    Field.META_MARK: "meta mark & 0xff == 0x1",
    Field.META_LENGTH: "meta length > 1400",
    Field.META_SKUID: "meta skuid 0",
    Field.META_SKGID: "meta skgid 1000-1999",
    Field.META_IIFGROUP: "meta iifgroup 2",
    Field.META_OIFGROUP: "meta oifgroup 2",
    Field.META_CGROUP: "meta cgroup 0x100001",
    Field.META_PKTTYPE: "meta pkttype broadcast",
    Field.META_DAY: "meta day monday-friday",
    Field.META_HOUR: "meta hour 22:00-06:00",
    Field.CT_MARK: "ct mark 0x10/0xf0",
    Field.CT_ZONE: "ct zone 1",
    Field.CT_DIRECTION: "ct direction reply",
    Field.CT_EXPIRATION: "ct expiration < 30s",
    Field.CT_BYTES: "ct bytes > 10mbytes",
    Field.CT_PACKETS: "ct packets > 1000",
    Field.CT_ORIGINAL_SPORT: "ct original proto-src 1024-65535",
    Field.CT_ORIGINAL_DPORT: "ct original proto-dst 8080",
    Field.CT_ORIGINAL_PROTOCOL: "ct original protocol tcp",
    Field.CT_ORIGINAL_BYTES: "ct original bytes > 10mbytes",
    Field.CT_ORIGINAL_PACKETS: "ct original packets > 1000",
    Field.CT_ORIGINAL_AVGPKT: "ct original avgpkt < 100",
    Field.CT_REPLY_SPORT: "ct reply proto-src 80",
    Field.CT_REPLY_DPORT: "ct reply proto-dst 1024-65535",
    Field.CT_REPLY_BYTES: "ct reply bytes > 10mbytes",
    Field.CT_REPLY_PACKETS: "ct reply packets 0",
    Field.CT_REPLY_AVGPKT: "ct reply avgpkt > 1000",
    Field.CT_AVGPKT: "ct avgpkt < 100",
    Field.ETHER_SADDR: "ether saddr 02:00:5e:00:53:01",
    Field.ETHER_DADDR: "ether daddr ff:ff:ff:ff:ff:ff",
    Field.ETHER_TYPE: "ether type ip6",
    Field.VLAN_ID: "vlan id 100-199",
    Field.META_CPU: "meta cpu 0-3",
    Field.META_PRIORITY: "meta priority 1:10",
    Field.META_RTCLASSID: "meta rtclassid 10",
    Field.META_PROTOCOL: "meta protocol ip",
    Field.AH_SPI: "ah spi 0x100-0x1ff",
    Field.ESP_SPI: "esp spi 0x100-0x1ff",
    Field.DCCP_TYPE: "dccp type request, response",
    Field.MH_TYPE: "mh type binding-update",
    FlagField.TCP_FLAGS: "tcp flags syn / syn,ack",
    FlagField.CT_STATUS: "ct status dnat",
    NameField.CT_HELPER: "ct helper ftp",
    NameField.OSF_NAME: 'osf name "Linux"',
    **{one: one.value for one in Trait},
}
_SPECIAL: dict[Field, str] = {
    Field.META_HOUR: "times of day, in UTC; past midnight too",
    Field.CT_EXPIRATION: "seconds, or a time such as `30s`",
    Field.CT_BYTES: "bytes, or a size such as `10mbytes`; both directions",
    Field.CT_PACKETS: "packets; both directions",
    Field.CT_ORIGINAL_BYTES: "bytes, or a size such as `10mbytes`; of the first direction",
    Field.CT_ORIGINAL_PACKETS: "packets; of the first direction",
    Field.CT_ORIGINAL_AVGPKT: "bytes of a packet on average; of the first direction",
    Field.CT_REPLY_BYTES: "bytes, or a size such as `10mbytes`; of replies",
    Field.CT_REPLY_PACKETS: "packets; of replies",
    Field.CT_REPLY_AVGPKT: "bytes of a packet on average; of replies",
    Field.CT_AVGPKT: "bytes of a packet on average; both directions",
    Field.ETHER_SADDR: "MAC addresses",
    Field.ETHER_DADDR: "MAC addresses",
    Field.META_PRIORITY: "classes of tc such as `1:10`, in hexadecimal; `none`, `root`",
    Field.META_RTCLASSID: "0 to 4294967295, the realm of the route; on iptables of IPv4 packets alone",
    Field.META_LENGTH: "bytes of the packet",
    Field.META_SKUID: "numbers of users, not their names",
    Field.META_SKGID: "numbers of groups, not their names",
}
NFT_ALONE: tuple[Field | Trait, ...] = (
    Field.CT_ZONE,
    Field.ETHER_DADDR,
    Field.ETHER_TYPE,
    Field.VLAN_ID,
    Field.META_PRIORITY,
    Trait.FRAGMENT,
)
"""What iptables has no words for."""
_TRAITS = {
    Trait.FRAGMENT: "a second or later fragment",
    Trait.IPSEC: "came out of IPsec",
    Trait.SOCKET: "a transparent socket of this host would take it",
}
_FAMILIES = {Family.IP: "IPv4", Family.IP6: "IPv6"}


@dataclass(frozen=True)
class Row:
    field: str
    values: str
    packets: str
    place: Field | Trait | str
    example: str

    def places(self) -> tuple[Place, ...]:
        return tuple(place for place in PLACES if _fits(self.place, place))

    def hooks(self) -> str:
        """Where it can stand, in the policy's words."""
        kept = set(self.places())
        if kept == set(PLACES):
            return "everywhere"
        if kept == {place for place in PLACES if not place.name.startswith("raw-")}:
            return "not in `raw`"
        hooks = {place.hook for place in kept}
        if kept == {place for place in LISTS if place.hook in hooks}:
            return ", ".join(f"`{place.name.replace('-', '.')}`" for place in LISTS if place in kept)
        assert kept == {place for place in PLACES if place.hook in hooks}, self.field
        return ", ".join(hook.value for hook in IP_HOOKS if hook in hooks)

    def text(self) -> str:
        values = self.values + ("; nft only" if self.place in NFT_ALONE else "")
        return f"| `{self.field}` | {values} | {self.packets} | {self.hooks()} | `{self.example}` |\n"


def _fits(name: Field | Trait | str, place: Place) -> bool:
    collector = Collector()
    scope = Scope(place.name, (place,), Symbols({}, {}, {}), StateTables(), collector)
    check_field(name, SourceFile("", "").span(0, 0), scope)
    return not collector.diagnostics


def _values(field: Field) -> str:
    fact = FIELDS[field]
    if field is Field.META_PRIORITY:
        return _SPECIAL[field]
    if fact.names and (first := next(one for one in Field if FIELDS[one].names == fact.names)) is not field:
        return f"as `{first.value}`"
    if fact.names:
        names = ", ".join(f"`{name}`" for name, _ in fact.names)
        return names if field is Field.META_DAY else f"0 to {fact.highest}, or {names}"
    found = _SPECIAL.get(field, f"0 to {fact.highest}")
    return found + ("; under a mask too" if fact.maskable else "")


def _packets(field: Field) -> str:
    fact = FIELDS[field]
    if fact.protocol is not None:
        return PROTOCOL_NAMES[fact.protocol].upper()
    return _FAMILIES[fact.family] if fact.family else "all"


def _listed(words: object) -> str:
    assert isinstance(words, dict)
    return ", ".join(f"`{word}`" for word in words)


def rows() -> Iterator[Row]:
    for field in Field:
        yield Row(field.value, _values(field), _packets(field), field, EXAMPLES[field])
    flags, status = FlagField.TCP_FLAGS, FlagField.CT_STATUS
    yield Row(flags.value, f"bits: {_listed(TCP_FLAG_BITS)}", "TCP", flags.value, EXAMPLES[flags])
    yield Row(status.value, f"bits: {_listed(CT_STATUS_BITS)}", "all", status.value, EXAMPLES[status])
    yield Row("ct helper", "names of helpers", "all", "ct helper", EXAMPLES[NameField.CT_HELPER])
    yield Row("osf name", "names of systems", "IPv4 TCP", "osf name", EXAMPLES[NameField.OSF_NAME])
    for direction in ("original", "reply"):
        for side in ("saddr", "daddr"):
            name = f"ct {direction} {side}"
            values = f"addresses, prefixes, ranges, `@groups`; as `ct {direction} ip {side}` those of one family"
            yield Row(name, values, "all", name, f"{name} 192.0.2.0/24")
    types = ", ".join(f"`{one.value}`" for one in AddressType)
    for side, values in (("saddr", types), ("daddr", "as `fib saddr type`")):
        name = f"fib {side} type"
        yield Row(name, values, "all", name, f"{name} local, broadcast")
    for interface, limited in (("iif", "incoming"), ("oif", "outgoing")):
        name = f"fib daddr . {interface} type"
        values = f"as `fib saddr type`, by the {limited} interface alone; `saddr` too"
        yield Row(name, values, "all", name, f"{name} local")
    yield Row("meta nfproto", "`ipv4`, `ipv6`", "all", "meta nfproto", "meta nfproto ipv4")
    protocols = f"0 to 255, or as `{Field.CT_ORIGINAL_PROTOCOL.value}`"
    yield Row("meta l4proto", protocols, "all", "meta l4proto", "meta l4proto != tcp")
    for name in ("rpfilter", "rpfilter loose"):
        yield Row(name, "`passes`, `fails`", "all", "rpfilter", f"{name} fails")
    options = f"`exists`, `missing`; NAME is {_listed(TCP_OPTION_KINDS)} or a number from 2"
    yield Row("tcp option NAME", options, "TCP", "tcp option", "tcp option sack-perm missing")
    headers = ", ".join(f"`{one.value}`" for one in ExtensionHeader)
    yield Row("exthdr NAME", f"`exists`, `missing`; NAME is {headers}", "IPv6", "exthdr", "exthdr frag exists")
    for trait in Trait:
        yield Row(trait.value, f"stands alone: {_TRAITS[trait]}", "all", trait, EXAMPLES[trait])


def policy(some: Iterable[Row]) -> str:
    """A policy with the examples of some rows in every list that they can stand in, but for `nat`."""
    lists: dict[str, dict[str, str]] = {"raw": {}, "mangle": {}}
    sections: dict[str, str] = {}
    for row in some:
        for place in row.places():
            section, _, hook = place.name.partition("-")
            # A port of a flow is of some protocol; what is of another has none of TCP's.
            service = "tcp " if row.packets in ("all", "IPv4", "TCP", "IPv4 TCP") else ""
            rule = f"    - 'accept {service}where {row.example}'\n"
            if section in lists:
                lists[section][hook] = lists[section].get(hook, "") + rule
            elif section != "nat":
                sections[section] = sections.get(section, "") + rule
    found = [f"{section}:\n  default: drop\n  rules:\n{rules}" for section, rules in sections.items()]
    for section, hooks in lists.items():
        found += [f"{section}:\n" + "".join(f"  {hook}:\n{rules}" for hook, rules in hooks.items())] if hooks else []
    return "polc: 1\n" + "".join(found)


def table() -> str:
    head = "| field | values | packets | hooks | example |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(row.text() for row in rows())


def replaced(page: str, found: Callable[[], str] = table) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{found()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text()))
