"""Constructs of iptables-save: matches and targets, and the chains in which they can stand (iptables-extensions(8))."""

from __future__ import annotations

from random import Random

from polc.fuzzing.case import Part
from polc.fuzzing.entries import ADDRESSES, ADDRESSES6, PORTS, Entry, maybe, some

CHAINS: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
"""The built-in chains of each table, in the order of hooks."""

FILTER = frozenset(f"filter.{one}" for one in CHAINS["filter"])
MANGLE = frozenset(f"mangle.{one}" for one in CHAINS["mangle"])
RAW = frozenset(f"raw.{one}" for one in CHAINS["raw"])
NAT = frozenset(f"nat.{one}" for one in CHAINS["nat"])
ALL = FILTER | MANGLE | RAW | NAT
TRACKED = FILTER | MANGLE
COMES_IN = frozenset(one for one in ALL if one.endswith(("PREROUTING", ".INPUT", "FORWARD")))
GOES_OUT = frozenset(one for one in ALL if one.endswith(("OUTPUT", "FORWARD", "POSTROUTING")))
FROM_HERE = frozenset(one for one in ALL if one.endswith(("OUTPUT", "POSTROUTING")))
EARLY = frozenset(one for one in ALL if one.endswith("PREROUTING")) - NAT

NAMES = ("eth0", "eth1", "wg0", "lo", "eth+", "wg+", "eth10")
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "DNAT", "SNAT")
_PORTS = tuple(one.replace("-", ":") for one in PORTS)
_TIMES = ("--timestart 08:00 --timestop 18:00", "--weekdays Mon,Tue,Wed,Thu,Fri", "! --weekdays Sat,Sun")


def _not(random: Random) -> str:
    return maybe(random, "! ", 0.25)


def _match(group: str, *texts: str, at: frozenset[str] | None = None, weight: int = 1) -> Entry:
    """One of a few, of which a rule has one."""
    return Entry(lambda random: Part(random.choice(texts), group=group), at, weight)


def _inverted(group: str, start: str, *options: str, at: frozenset[str] | None = None, weight: int = 1) -> Entry:
    """An option, with `!` before it or without."""

    def make(random: Random) -> Part:
        return Part(f"{start} {_not(random)}{random.choice(options)}".strip(), group=group)

    return Entry(make, at, weight)


def _interface(option: str, at: frozenset[str]) -> Entry:
    return Entry(lambda r: Part(f"{_not(r)}{option} ", (r.choice(NAMES),), group=option), at, 5)


def _ends(option: str, six: bool) -> Entry:
    pool = tuple(one for one in (ADDRESSES6 if six else ADDRESSES) if "-" not in one)
    return Entry(lambda r: Part(f"{_not(r)}{option} ", (r.choice(pool),), group=option), None, 6)


def _iprange(six: bool) -> Entry:
    pool = tuple(one for one in (ADDRESSES6 if six else ADDRESSES) if "-" in one)

    def make(random: Random) -> Part:
        return Part(f"-m iprange {_not(random)}--{random.choice(('src', 'dst'))}-range {random.choice(pool)}",
                    group="iprange")  # fmt: skip

    return Entry(make, None, 1)


def _ports(random: Random) -> Part:
    protocol = random.choice(("tcp", "tcp", "udp", "sctp"))
    sides = random.choice((("dport",), ("sport",), ("dport",), ("sport", "dport")))
    # Of both ports left out in one match iptables-nft 1.8.9 makes something else, whoever has written it.
    signs = (_not(random), "")
    words = " ".join(f"{sign}--{side} {random.choice(_PORTS)}" for sign, side in zip(signs, sides, strict=False))
    return Part(f"-p {protocol} -m {protocol} {words}", group="-p")


def _multiport(random: Random) -> Part:
    protocol = random.choice(("tcp", "udp", "tcp", "sctp", "udplite"))
    option = random.choice(("dports", "sports", "ports"))
    return Part(f"-p {protocol} -m multiport {_not(random)}--{option} ", some(random, _PORTS), ",", group="-p")


def _flags(random: Random) -> Part:
    words = random.choice(("FIN,SYN,RST,ACK SYN", "SYN,ACK SYN", "ALL NONE", "ALL ALL", "SYN,RST SYN,RST", "ACK ACK"))
    return Part(f"-p tcp -m tcp {_not(random)}--tcp-flags {words}{maybe(random, ' --dport 22')}", group="-p")


_ICMP4 = ("echo-request", "8", "3/4", "destination-unreachable", "time-exceeded", "0", "any", "13")
_ICMP6 = ("echo-request", "packet-too-big", "1", "1/4", "135", "129", "destination-unreachable")


def _limit(random: Random) -> Part:
    rate = random.choice(("1/sec", "2/min", "3/min", "10/hour"))
    return Part(f"-m limit --limit {rate} --limit-burst {random.choice('1235')}", group="count")


def _hashlimit(random: Random) -> Part:
    bound, rate = random.choice(("upto", "above")), random.choice(("1/sec", "2/min", "10/hour"))
    words = f"-m hashlimit --hashlimit-{bound} {rate} --hashlimit-burst {random.choice('123')}"
    mode = random.choice(("", " --hashlimit-mode srcip", " --hashlimit-mode srcip,dstip",
                          " --hashlimit-mode srcip --hashlimit-srcmask 24"))  # fmt: skip
    return Part(f"{words}{mode} --hashlimit-name h{random.randrange(10000)}", group="count")


def _recent(random: Random) -> Part:
    words = random.choice(("--set", "--rcheck --seconds 60", "--update --seconds 60 --hitcount 3", "--remove",
                           "! --rcheck", "--rcheck --hitcount 2", "--rcheck --seconds 60 --reap"))  # fmt: skip
    return Part(f"-m recent {words} --name seen {random.choice(('--rsource', '--rsource', '--rdest'))}", group="count")


def matches(six: bool) -> tuple[Entry, ...]:
    """What rules of a family ask."""
    icmp = ("-p ipv6-icmp -m icmp6", "--icmpv6-type") if six else ("-p icmp -m icmp", "--icmp-type")
    types = _ICMP6 if six else _ICMP4
    protocols = ("tcp", "udp", "gre", "esp", "50", "sctp", "all", "0", "47", "ipv6-icmp" if six else "icmp")
    hops = ("-m hl", "--hl-eq 255", "--hl-lt 5", "--hl-gt 63") if six else ("-m ttl", "--ttl-eq 64", "--ttl-lt 5")
    own: tuple[Entry, ...] = (
        _match("ext", "-m rt --rt-type 0", "-m frag --fragmore", "-m hbh", "-m dst", "-m ipv6header --header frag",
               "-m ipv6header --header hop-by-hop --soft"),
    ) if six else (
        _match("ext", "-f", "! -f", "-m ttl --ttl-gt 63", "-m realm --realm 0"),
    )  # fmt: skip
    return (
        _ends("-s", six), _ends("-d", six), _iprange(six),
        _interface("-i", COMES_IN), _interface("-o", GOES_OUT),
        Entry(lambda r: Part(f"{_not(r)}-p ", (r.choice(protocols),), group="-p"), None, 5),
        Entry(_ports, None, 9), Entry(_multiport, None, 4), Entry(_flags, None, 3),
        Entry(lambda r: Part(f"{icmp[0]} {_not(r)}{icmp[1]} {r.choice(types)}", group="-p"), None, 3),
        _match("-p", "-p tcp -m tcp --syn", "-p tcp -m tcp ! --syn", "-p tcp -m tcp --tcp-option 4",
               "-p esp -m esp --espspi 256:511", "-p ah -m ah --ahspi 7", "-p dccp -m dccp --dport 80",
               "-p tcp -m tcpmss --mss 1:535", "-p dccp -m dccp --dccp-types REQUEST", "-p tcp -m ecn --ecn-tcp-ece",
               weight=3),
        Entry(lambda r: Part(f"-m conntrack {_not(r)}--ctstate ", some(r, _STATES), ",", group="ct"), TRACKED, 6),
        Entry(lambda r: Part(f"-m state {_not(r)}--state ", some(r, _STATES[:4]), ",", group="ct"), TRACKED, 3),
        _inverted("ct", "-m conntrack", "--ctstatus ASSURED", "--ctstatus SEEN_REPLY,ASSURED", "--ctorigdst 203.0.113.1"
                  if not six else "--ctorigdst 2001:db8:113::1", "--ctproto 6", "--ctorigdstport 80",
                  "--ctexpire 1:100", at=TRACKED, weight=2),
        _match("ct", "-m conntrack --ctdir ORIGINAL", "-m conntrack --ctdir REPLY", at=TRACKED),
        _inverted("mark", "-m mark", "--mark 0x1", "--mark 0x10/0xf0", "--mark 0x0/0xf", at=None, weight=3),
        _inverted("connmark", "-m connmark", "--mark 0x1", "--mark 0x10/0xf0", at=TRACKED, weight=2),
        _inverted("length", "-m length", "--length 0:60", "--length 61:65535", "--length 40"),
        _inverted("hops", hops[0], *hops[1:]),
        _inverted("dscp", "-m dscp", "--dscp 0x2e", "--dscp-class CS1", "--dscp 0x00", weight=2),
        _inverted("tos", "-m tos", "--tos 0x10/0x3f", "--tos 0xb8/0xfc"),
        _inverted("ecn", "-m ecn", "--ecn-ip-ect 3", "--ecn-ip-ect 0"),
        _inverted("pkttype", "-m pkttype", "--pkt-type unicast", "--pkt-type broadcast", "--pkt-type multicast"),
        _inverted("addrtype", "-m addrtype", "--dst-type LOCAL", "--src-type UNICAST", "--dst-type MULTICAST",
                  "--src-type LOCAL", weight=3),
        _match("addrtype", "-m addrtype --dst-type LOCAL --limit-iface-in", at=COMES_IN),
        _inverted("mac", "-m mac", "--mac-source 02:00:00:00:00:01", "--mac-source 02:00:5E:00:53:01", at=COMES_IN),
        _inverted("owner", "-m owner", "--uid-owner 0", "--uid-owner 1000-1999", "--gid-owner 0", at=FROM_HERE,
                  weight=2),
        _match("time", *(f"-m time {one}" for one in _TIMES)),
        _match("rpfilter", "-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose", at=EARLY, weight=3),
        _match("cpu", "-m cpu --cpu 0", "-m cpu ! --cpu 7"),
        _match("devgroup", "-m devgroup --src-group 0x2", "-m devgroup ! --src-group 0x0", at=COMES_IN),
        _match("helper", '-m helper --helper "ftp"', at=TRACKED),
        _match("policy", "-m policy --dir in --pol none", "-m policy --dir in --pol ipsec", at=COMES_IN),
        _match("bytes", "-m connbytes --connbytes 0:1 --connbytes-mode packets --connbytes-dir original",
               "-m connbytes --connbytes 100 --connbytes-mode bytes --connbytes-dir both", at=TRACKED),
        *own,
        Entry(_limit, TRACKED, 3), Entry(_hashlimit, TRACKED, 3), Entry(_recent, FILTER, 3),
        _match("count", "-m statistic --mode nth --every 2 --packet 0", "-m statistic --mode nth --every 3 --packet 1",
               "-m statistic --mode random --probability 0.5", "-m quota --quota 200", at=TRACKED, weight=2),
        _match("comment", "-m comment --comment x", '-m comment --comment "a b \\"c\\""', weight=2),
    )  # fmt: skip


CONNECTIONS = _match("count", "-m connlimit --connlimit-above 1 --connlimit-mask 32 --connlimit-saddr",
                     "-m connlimit --connlimit-upto 2 --connlimit-mask 0 --connlimit-saddr")  # fmt: skip

_REJECTS = ("icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable",
            "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited")  # fmt: skip
_REJECTS6 = ("icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable")


def _target(*texts: str, at: frozenset[str] | None = None, weight: int = 1) -> Entry:
    return Entry(lambda random: Part("-j ", (random.choice(texts),), needed=True, group="-j"), at, weight)


def _with_ports(*texts: str, at: frozenset[str], weight: int = 1) -> Entry:
    """A target that needs a protocol with ports."""

    def make(random: Random) -> tuple[Part, ...]:
        protocol = random.choice(("tcp", "udp"))
        match = Part(f"-p {protocol} -m {protocol} --dport {random.choice(_PORTS)}", needed=True, group="-p")
        return match, Part("-j ", (random.choice(texts),), needed=True, group="-j")

    return Entry(make, at, weight)


def targets(six: bool) -> tuple[Entry, ...]:
    """What rules of a family do."""
    inside, outside = ("2001:db8:2::10", "2001:db8:113::5") if six else ("192.0.2.10", "203.0.113.5")
    sources = f"[{outside}]" if six else outside
    ported = f"[{inside}]" if six else inside
    before = frozenset(("nat.PREROUTING", "nat.OUTPUT"))
    behind = frozenset(("nat.POSTROUTING",))
    last = f"{inside[:-2]}12"
    hops = ("HL --hl-set 64", "HL --hl-dec 1") if six else ("TTL --ttl-set 64", "TTL --ttl-dec 1", "TTL --ttl-inc 2")
    return (
        _target("ACCEPT", weight=6), _target("DROP", at=ALL - NAT, weight=6), _target("RETURN", weight=2),
        _target(*(f"REJECT --reject-with {one}" for one in (_REJECTS6 if six else _REJECTS)), "REJECT", at=FILTER,
                weight=5),
        Entry(lambda _: (Part("-p tcp", needed=True, group="-p"), Part("-j REJECT --reject-with tcp-reset", needed=True,
                                                                       group="-j")), FILTER, 2),
        _target('LOG --log-prefix "in: "', "LOG", "LOG --log-level 7 --log-tcp-options", "NFLOG --nflog-group 5",
                weight=2),
        _target("MARK --set-xmark 0x1/0xffffffff", "MARK --set-xmark 0x10/0xf0", "MARK --set-mark 0x2",
                "MARK --or-mark 0x1", "MARK --xor-mark 0x3", "MARK --and-mark 0xf0", at=ALL - NAT, weight=3),
        _target("CONNMARK --save-mark", "CONNMARK --restore-mark", "CONNMARK --set-xmark 0x1/0xff",
                "CONNMARK --save-mark --nfmask 0xff --ctmask 0xff", at=MANGLE, weight=4),
        _target("DSCP --set-dscp 0x2e", "DSCP --set-dscp-class CS1", "TOS --set-tos 0x10/0x3f", *hops, at=MANGLE,
                weight=4),
        Entry(lambda r: (Part("-p tcp -m tcp --tcp-flags SYN,RST SYN", needed=True, group="-p"),
                         Part("-j ", (r.choice(("TCPMSS --set-mss 500", "TCPMSS --set-mss 1400")),), needed=True,
                              group="-j")), MANGLE, 1),
        _target("TCPMSS --clamp-mss-to-pmtu", at=frozenset(("mangle.FORWARD", "mangle.POSTROUTING")), weight=0),
        _target("CLASSIFY --set-class 1:10", at=frozenset(("mangle.POSTROUTING",))),
        _target("CT --notrack", "NOTRACK", "TRACE", at=RAW, weight=3),
        _target(f"DNAT --to-destination {inside}", f"DNAT --to-destination {inside}-{last}", at=before, weight=3),
        _with_ports(f"DNAT --to-destination {ported}:8080", f"DNAT --to-destination {ported}:8080-8082",
                    "REDIRECT --to-ports 8080", at=before, weight=3),
        _target(f"SNAT --to-source {outside}", "MASQUERADE", f"SNAT --to-source {outside} --persistent", at=behind,
                weight=3),
        _with_ports("MASQUERADE --to-ports 1024-2048", f"SNAT --to-source {sources}:1024-2048", at=behind),
        _target("NETMAP --to 2001:db8:77::/64" if six else "NETMAP --to 198.51.100.0/24", at=before | behind),
        Entry(lambda _: (), ALL - NAT, 1),
    )  # fmt: skip
