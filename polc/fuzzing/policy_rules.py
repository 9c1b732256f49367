"""Constructs of the policy language: verdicts, effects and clauses, and the sections in which they can stand."""

from __future__ import annotations

from random import Random

from polc.fuzzing.case import Part
from polc.fuzzing.entries import ADDRESSES, ADDRESSES6, BURSTS, MARKS, PORTS, RATES, Entry, maybe, some

INPUT, FORWARD, OUTPUT = "input", "forward", "output"
MANGLE = {one: f"mangle.{one}" for one in ("prerouting", INPUT, FORWARD, OUTPUT, "postrouting")}
RAW = {one: f"raw.{one}" for one in ("prerouting", OUTPUT)}
NAT = {one: f"nat.{one}" for one in ("prerouting", INPUT, OUTPUT, "postrouting")}
FILTER = frozenset((INPUT, FORWARD, OUTPUT))
IN_MANGLE = frozenset(MANGLE.values())
IN_RAW = frozenset(RAW.values())
IN_NAT = frozenset(NAT.values())
DECIDES = FILTER | IN_MANGLE | IN_RAW
TRACKED = FILTER | IN_MANGLE | IN_NAT
COMES_IN = frozenset((INPUT, FORWARD, MANGLE["prerouting"], MANGLE[INPUT], MANGLE[FORWARD], RAW["prerouting"]))
FROM_ZONE = COMES_IN | {NAT["prerouting"], NAT[INPUT]}
TO_ZONE = frozenset((FORWARD, OUTPUT, MANGLE[FORWARD], MANGLE[OUTPUT], MANGLE["postrouting"], NAT["postrouting"]))
OF_SOCKETS = frozenset((OUTPUT, MANGLE[OUTPUT], MANGLE["postrouting"]))
FLOODS = FILTER | {MANGLE["prerouting"], MANGLE[FORWARD]}
"""Where limits stand that many packets are needed for."""

ZONES = ("wan", "lan", "dmz")
GROUPS = ("@admins", "@office", "@mixed", "@banned")
DEFINITIONS: dict[str, object] = {
    "zones.wan": "eth0",
    "zones.lan": ["eth1", "wg*"],
    "zones.dmz": {"interfaces": ["eth2"], "addresses": ["10.0.0.0/24"]},
    "addresses.admins": ["198.51.100.8/30", "2001:db8:100::8/126"],
    "addresses.office": ["198.51.100.10-198.51.100.20", "192.0.2.9"],
    "addresses.mixed": ["@admins", "192.0.2.0/25", "2001:db8:2::/64", "203.0.113.1"],
    "addresses.banned": {
        "dynamic": True, "timeout": "1h", "size": 1000, "elements": ["198.51.100.9", "2001:db8:100::9"],
    },
    "services.web": "tcp/80,443",
    "services.game": ["udp/27000-27031", "tcp/27015"],
    "services.odd": "udp/68 sport 67",
    "macros.outside": ["drop from @office", "accept web state new"],
}  # fmt: skip
"""What rules may name."""

_STATES = ("new", "established", "related", "invalid", "untracked")
_ICMP = ("icmp/echo-request", "icmp/3/4", "icmp/destination-unreachable", "icmp/time-exceeded", "icmp/echo-reply",
         "icmpv6/echo-request", "icmpv6/packet-too-big", "icmpv6/1", "icmpv6/nd-neighbor-solicit")  # fmt: skip
_FLAGS = ("tcp flags & (syn | ack) == syn", "tcp flags syn / syn,ack", "tcp flags syn, rst", "tcp flags == 0",
          "tcp flags != syn", "tcp flags & (fin | psh | urg) == fin | psh | urg", "not tcp flags ack")  # fmt: skip


def _head(text: str, key: str = "") -> Part:
    return Part(text, needed=True, group="head", key=key)


def verdict(word: str) -> Entry:
    return Entry(lambda _: Part("", (word,), needed=True, group="head", key="verdict"), DECIDES, 6)


def _service(random: Random) -> Part:
    return Part("", some(random, SERVICES), needed=False, group="service", key="service")


def _tcp(random: Random) -> Part:
    ports = tuple(f"tcp/{one}" for one in some(random, PORTS))
    return Part("", ports, needed=True, group="service", key="service")


def _udp_or_tcp(random: Random) -> Part:
    return Part("", (f"{random.choice(('tcp', 'udp'))}/{random.choice(PORTS)}",), needed=True, group="service")


SERVICES = (
    *(f"tcp/{one}" for one in PORTS), *(f"udp/{one}" for one in PORTS), *_ICMP, "tcp", "udp", "icmp", "icmpv6",
    "proto gre", "proto 50", "proto ah", "sctp/80", "sctp/1000-2000", "dccp/80", "udplite/53", "ssh", "dns", "web",
    "game", "odd", "proto 0", "proto 255",
)  # fmt: skip

_REJECTS = {
    "": ("", "port-unreachable", "host-unreachable", "no-route", "admin-prohibited"),
    "ipv4": ("net-unreachable", "proto-unreachable", "net-prohibited", "host-prohibited"),
    "ipv6": ("addr-unreachable", "policy-fail", "reject-route"),
}
"""What packets of both families, or of one, are answered."""


def _reject(random: Random) -> Part | tuple[Part, ...]:
    family = random.choice(("", "", *_REJECTS))
    kind = random.choice(_REJECTS[family])
    head = _head(f"reject with {kind}" if kind else "reject")
    if not family:
        return head
    return head, Part("where ", (f"meta nfproto {family}",), needed=True, group="where")


def _map_of(random: Random, key: str, values: tuple[str, ...], verdicts: tuple[str, ...]) -> Part:
    picked = random.sample(values, random.randint(1, len(values)))
    entries = tuple(f"{one}{' ' * (':' in one)}: {random.choice(verdicts)}" for one in picked)
    return Part(f"vmap {key} {{", entries, after="}", needed=True, group="head")


_KEYS: dict[str, tuple[str, ...]] = {
    "tcp dport": ("22", "53", "80-90", "0-21", "1024-65535"),
    "udp sport": ("53", "67-68", "123"),
    "saddr": ("198.51.100.0/29", "198.51.100.8/30", "192.0.2.0/24", "2001:db8:100::/64", "203.0.113.128/25"),
    "meta l4proto": ("tcp", "udp", "icmp", "gre", "icmpv6"),
    "ct state": ("new", "established", "related", "invalid"),
    "meta mark": ("0x1", "0x2", "0x10-0x1f"),
    "ip dscp": ("ef", "cs1", "0", "10-14"),
    "saddr . tcp dport": ("198.51.100.8/30 . 22", "192.0.2.9 . 80-90", "198.51.100.12 . 1-1023"),
    "meta l4proto . dport": ("tcp . 443", "udp . 443", "tcp . 22"),
    "daddr . ct state": ("203.0.113.1 . new", "192.0.2.0/24 . established"),
}
"""Keys of maps, with values that do not overlap."""


def _vmap(random: Random) -> Part | tuple[Part, ...]:
    key = random.choice([one for one in _KEYS if "dport" not in one or one.startswith(("tcp", "saddr"))])
    return _map_of(random, key, _KEYS[key], ("accept", "drop", "return"))


def _mark_map(random: Random) -> Part:
    key = random.choice(("tcp dport", "saddr", "meta l4proto", "ip dscp"))
    part = _map_of(random, key, _KEYS[key], ("0x1", "0x2", "7"))
    return Part(part.before.replace("vmap", random.choice(("mark set map", "ct mark set map"))), part.members,
                after="}", needed=True, group="head")  # fmt: skip


def _log(random: Random) -> str:
    words = [f'log "{random.choice(("", "in: ", "a b"))}"']
    words += [random.choice(("", "level info", "level crit", "flags tcp-sequence, ip-options", "flags all"))]
    if random.random() < 0.3:
        words = [words[0], f"group {random.choice(('0', '5', '65535'))}", maybe(random, "snaplen 64")]
    words.append(maybe(random, "at 5/minute burst 2"))
    return " ".join(word for word in words if word)


def _mark(random: Random, field: str = "") -> str:
    kind = random.choice(("set", "set", "xor"))
    return f"{field}mark {kind} {random.choice(MARKS)}"


def _ban(random: Random) -> str:
    return f"ban @banned{maybe(random, ' 10m')}{maybe(random, ' per destination')}"


def _effect(random: Random) -> str:
    return random.choice((_log, lambda r: "counter", _mark, lambda r: _mark(r, "ct "), _ban))(random)


HEADS: tuple[Entry, ...] = (
    verdict("accept"), verdict("drop"),
    Entry(lambda _: _head("return"), DECIDES, 2),
    Entry(_reject, FILTER, 5),
    Entry(lambda r: (_head("reject with tcp-reset"), _tcp(r)), FILTER, 2),
    Entry(_vmap, DECIDES - IN_RAW, 3),
    Entry(lambda r: _head(_log(r)), DECIDES, 2),
    Entry(lambda _: _head("counter"), DECIDES, 1),
    Entry(lambda r: _head(_mark(r)), DECIDES, 3),
    Entry(lambda r: _head(_mark(r, "ct ")), FILTER | IN_MANGLE, 1),
    Entry(_mark_map, FILTER | IN_MANGLE, 1),
    Entry(lambda r: _head(f"mark {r.choice(('save', 'restore'))}{maybe(r, ' mask 0xff')}"), IN_MANGLE, 4),
    Entry(lambda r: _head(_ban(r)), FILTER, 1),
    Entry(lambda _: _head("recent set seen"), FILTER, 1),
    Entry(lambda r: _head(f"dscp set {r.choice(('ef', 'cs1', '0', '63'))}"), IN_MANGLE, 3),
    Entry(lambda r: _head(f"ip ttl set {r.choice(('1', '2', '64', '255'))}"), IN_MANGLE, 2),
    Entry(lambda r: _head(f"ip6 hoplimit set {r.choice(('1', '64'))}"), IN_MANGLE, 1),
    Entry(lambda r: _head(f"ip ttl {r.choice(('inc', 'dec'))} {r.choice(('1', '5'))}"), IN_MANGLE, 1),
    Entry(lambda r: _head(f"mss clamp size {r.choice(('500', '1400', '1460'))}"), IN_MANGLE, 1),
    Entry(lambda _: _head("mss clamp"), frozenset((MANGLE[FORWARD], MANGLE["postrouting"])), 1),
    Entry(lambda _: _head("reset tcp option sack-perm"), IN_MANGLE, 1),
    Entry(lambda r: _head(f"meta priority set {r.choice(('1:10', '0:1'))}"), frozenset((MANGLE["postrouting"],)), 1),
    Entry(lambda _: _head("notrack"), IN_RAW, 5),
    Entry(lambda _: _head("trace"), IN_RAW, 1),
    Entry(lambda r: _head(f"{r.choice(('ct', 'ct original'))} zone set {r.choice(('1', '2'))}"), IN_RAW, 1),
    Entry(lambda r: _head(f"use {r.choice(('stateful', 'icmp-essentials', 'outside'))}"), FILTER, 3),
    Entry(lambda _: _head("use loopback"), frozenset((INPUT, OUTPUT)), 1),
    Entry(lambda r: (_head("queue 3 flags bypass"), _tcp(r)), FILTER, 1),
    Entry(lambda r: (_head("accept"), _tcp(r), Part("helper ftp", group="helper")),
          frozenset((INPUT, FORWARD)), 1),
)  # fmt: skip
"""Verdicts, and effects that stand in place of one."""


def _to(text: str) -> Part:
    return Part("-> ", (text,), needed=True, group="target")


NAT_HEADS: tuple[Entry, ...] = (
    Entry(lambda _: _head("accept"), IN_NAT, 1),
    Entry(lambda r: (_head("dnat"), _to(r.choice(("192.0.2.10", "192.0.2.10-192.0.2.12", "2001:db8:2::10")))),
          frozenset((NAT["prerouting"], NAT[OUTPUT])), 3),
    Entry(lambda r: (_head("dnat"), _udp_or_tcp(r), _to(r.choice(("192.0.2.10:8080", "192.0.2.10:8080-8082",
                                                                  "[2001:db8:2::10]:80")))),
          frozenset((NAT["prerouting"], NAT[OUTPUT])), 3),
    Entry(lambda r: (_head("redirect"), _udp_or_tcp(r), _to(r.choice((":8080", ":8080-8082")))),
          frozenset((NAT["prerouting"], NAT[OUTPUT])), 2),
    Entry(lambda r: (_head("snat"), _to(r.choice(("203.0.113.5", "203.0.113.5-203.0.113.6", "2001:db8:113::5")))),
          frozenset((NAT["postrouting"], NAT[INPUT])), 3),
    Entry(lambda r: (_head("snat"), _udp_or_tcp(r), _to("203.0.113.5:1024-2048")), frozenset((NAT["postrouting"],)), 1),
    Entry(lambda r: _head(f"masquerade{maybe(r, ' random')}"), frozenset((NAT["postrouting"],)), 3),
    Entry(lambda _: (_head("netmap to 198.51.100.0/24"), _to("192.0.2.0/24")), frozenset((NAT["prerouting"],)), 1),
    Entry(lambda _: (_head("netmap from 192.0.2.0/24"), _to("198.51.100.0/24")), frozenset((NAT["postrouting"],)), 1),
)  # fmt: skip


def _addresses(random: Random) -> tuple[str, ...]:
    pool = random.choice((ADDRESSES, ADDRESSES, ADDRESSES6, (*ADDRESSES, *ADDRESSES6), GROUPS))
    return some(random, pool)


def _end(word: str) -> Entry:
    def make(random: Random) -> Part:
        return Part(f"{word} {maybe(random, 'not ')}", _addresses(random), group=word, key=word)

    return Entry(make, None, 6)


def _zone(word: str, at: frozenset[str]) -> Entry:
    def make(random: Random) -> Part:
        zones = ", ".join(some(random, ZONES, 2))
        if random.random() < 0.4:
            return Part(f"{word} {maybe(random, 'not ')}{zones} ", _addresses(random), group=word, key=word)
        return Part(f"{word} {maybe(random, 'not ')}", tuple(zones.split(", ")), group=word, key=word)

    return Entry(make, at, 6)


def _where(at: frozenset[str] | None, weight: int, *expressions: str) -> Entry:
    def make(random: Random) -> Part:
        return Part("where ", (random.choice(expressions),), " and ", group="where", key="where")

    return Entry(make, at, weight)


def _limit(random: Random) -> Part:
    words = f"{random.choice(('limit', 'over'))} {random.choice(RATES)} burst {random.choice(BURSTS)}"
    per = random.choice(("", "", " per source", " per source/24,/56", " per destination", " per source, destination"))
    return Part(words + per, group="count")


def _recent(random: Random) -> Part:
    words = random.choice((
        "recent rcheck seen in 60s", "recent update seen in 60s hitcount 3", "recent not rcheck seen",
        "recent set seen", "recent remove seen", "recent rcheck seen in 10s hitcount 2",
    ))  # fmt: skip
    return Part(words, group="count")


CLAUSES: tuple[Entry, ...] = (
    Entry(_service, None, 12),
    _end("from"), _end("to"), _zone("from", FROM_ZONE), _zone("to", TO_ZONE),
    Entry(lambda r: Part("state ", some(r, _STATES), group="state", key="state"), TRACKED - IN_NAT, 6),
    Entry(lambda r: (Part("", (r.choice(("tcp", "udp")),), needed=True, group="service"),
                     Part("sport ", some(r, PORTS), group="sport")), None, 2),
    _where(None, 2, *_FLAGS),
    _where(None, 1, "ip ttl < 5", "ip ttl 64", "ip6 hoplimit 255", "ip ttl < 5 or ip6 hoplimit < 5", "ip ttl != 64"),
    _where(None, 1, "ip dscp ef", "ip dscp != cs1", "ip6 dscp cs1, af31", "ip ecn ce", "ip6 ecn != not-ect"),
    _where(None, 1, "ip length 20-100", "meta length > 60", "meta length <= 40", "ip length != 40"),
    _where(None, 1, "tcp option maxseg size 1-535", "tcp option sack-perm exists", "tcp option window missing"),
    _where(DECIDES, 2, "meta mark 0x1", "meta mark & 0xf0 == 0x10", "meta mark != 0x2", "meta mark & 0x1 != 0x1",
           "meta mark 0x1, 0x10-0x1f"),
    _where(DECIDES - IN_RAW, 2, "ct mark 0x1", "ct mark & 0xf0 == 0x10", "ct mark != 0x2"),
    _where(DECIDES - IN_RAW, 2, "ct status dnat", "not ct status snat", "ct status assured", "ct status seen-reply",
           "ct status & (seen-reply | assured) == seen-reply"),
    _where(DECIDES - IN_RAW, 2, "ct direction original", "ct direction reply", "ct expiration < 30s",
           "ct original daddr 203.0.113.1", "ct original saddr 198.51.100.0/24", "ct original proto-dst 80",
           "ct reply saddr 192.0.2.0/24", "ct original protocol tcp", "ct helper ftp", "ct reply proto-src 22-80"),
    _where(OF_SOCKETS, 2, "meta skuid 0", "meta skuid 1000-1999", "meta skgid != 0"),
    _where(COMES_IN, 2, "ether saddr 02:00:00:00:00:01", "ether saddr != 02:00:5e:00:53:01", "meta iifgroup 2",
           "meta iifgroup != 0"),
    _where(TO_ZONE - IN_NAT, 1, "meta oifgroup 2", "meta oifgroup 0-1"),
    _where(None, 1, "meta pkttype unicast", "meta pkttype broadcast, multicast", "meta day monday-friday",
           "meta hour 08:00-18:00", "meta protocol ip", "meta nfproto ipv4", "meta nfproto ipv6",
           "meta l4proto != tcp", "meta l4proto tcp, udp", "meta cpu 0-3"),
    _where(DECIDES, 2, "fib daddr type local", "fib saddr type != unicast", "fib daddr type broadcast, multicast",
           "fib daddr type local, unicast"),
    _where(COMES_IN, 1, "fib daddr . iif type local", "fib saddr . iif type != local"),
    _where(frozenset((MANGLE["prerouting"], RAW["prerouting"])), 3, "rpfilter fails", "rpfilter passes",
           "rpfilter loose fails"),
    _where(None, 1, "exthdr frag exists", "exthdr hbh missing", "exthdr rt exists", "esp spi 0x100-0x1ff", "ah spi 7",
           "dccp type request", "fragment", "not fragment", "mh type binding-update"),
    _where(DECIDES - IN_RAW, 1, "meta rtclassid 0", "ct zone 0", "meta priority none", "meta cgroup 0", "ipsec",
           "not ipsec", "ct bytes > 1000", "ct original packets < 3", "ct avgpkt < 100"),
    _where(DECIDES - IN_RAW, 2, "ct status dnat or meta mark 0x1", "not (ct status dnat or meta mark 0x1)",
           "tcp flags syn and ct direction original", "not (meta mark 0x1 and ct mark 0x2)"),
    Entry(_limit, FLOODS, 4),
    Entry(_recent, FILTER, 1),
    Entry(lambda r: Part(f"hits {r.choice('23')} in 100s per source{maybe(r, ' refresh')}", group="count"), FILTER, 1),
    Entry(lambda r: Part(f"quota {r.choice(('upto', 'over'))} {r.choice(('100 bytes', '200 bytes', '1 kbytes'))}",
                         group="count"), FILTER, 1),
    Entry(lambda r: Part(f"nth {r.choice('23')}{maybe(r, ' packet 1')}", group="count"), FILTER, 1),
    Entry(lambda _: Part("probability 0.5", group="count"), FILTER, 1),
    Entry(lambda r: Part(_effect(r), group="effect"), FILTER, 4),
    Entry(lambda _: Part('comment "a: b"', group="comment"), None, 1),
)  # fmt: skip
"""What rules ask and do besides; ``connections`` stands alone, since each packet about it takes its time."""

CONNECTIONS = Entry(
    lambda r: Part(f"connections {r.choice(('over', 'upto'))} {r.choice('12')}{maybe(r, ' per source')}", group="count")
)
