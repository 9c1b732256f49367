"""Verdicts, clauses and fields, each in a rule, and the places where it can stand; all others refuse it."""

from __future__ import annotations

from polc.ir.ruleset import IP_HOOKS
from polc.policy.document import Decision

HEAD = """\
polc: 1
zones: {lan: eth1}
chains: {c: [counter]}
timeouts: {short: {protocol: tcp, established: 1h}}
flowtables: {fast: {devices: [eth0, eth1]}}
"""
SECTIONS = ("input", "forward", "output")
INET = ("raw.prerouting", "raw.output", *(f"mangle.{hook.value}" for hook in IP_HOOKS), *SECTIONS)
INGRESS = "ingress.eth0"
NAT = ("nat.prerouting", "nat.input", "nat.output", "nat.postrouting")
FILTERS = (*INET, INGRESS)
PLACES = (*FILTERS, *NAT)
"""All that have lists of rules, but `nat` as one list, whose rules find their place themselves."""

RAW = ("raw.prerouting", "raw.output")
MANGLE = tuple(one for one in INET if one.startswith("mangle"))
TRACKED = (*MANGLE, *SECTIONS, *NAT)


def written(place: str, *rules: str) -> str:
    """A policy with the rules there."""
    section, _, hook = place.partition(".")
    listed = ", ".join(f"'{rule}'" for rule in rules)
    if section == "ingress":
        return f"{HEAD}ingress: {{{hook}: {{default: drop, rules: [{listed}]}}}}\n"
    if section in SECTIONS:
        return f"{HEAD}{section}: {{default: drop, rules: [{listed}]}}\n"
    return f"{HEAD}{section}: {{{hook}: [{listed}]}}\n" if hook else f"{HEAD}{section}: [{listed}]\n"


def at(*hooks: str) -> tuple[str, ...]:
    """The places of these hooks, in each section that has them."""
    return tuple(one for one in PLACES if one.rpartition(".")[2] in hooks)


DECISIONS: dict[Decision, tuple[str, tuple[str, ...]]] = {
    Decision.ACCEPT: ("accept tcp/1", PLACES),
    Decision.DROP: ("drop tcp/1", FILTERS),
    Decision.REJECT: ("reject tcp/1", SECTIONS),
    Decision.JUMP: ("jump c", PLACES),
    Decision.GOTO: ("goto c", PLACES),
    Decision.RETURN: ("return tcp/1", PLACES),
    Decision.SNAT: ("snat -> 192.0.2.1", ("nat.input", "nat.postrouting")),
    Decision.DNAT: ("dnat -> 192.0.2.1", ("nat.prerouting", "nat.output")),
    Decision.MASQUERADE: ("masquerade", ("nat.postrouting",)),
    Decision.REDIRECT: ("redirect tcp/1", ("nat.prerouting", "nat.output")),
    Decision.NETMAP: ("netmap from 192.0.2.0/28 to 192.0.2.0/28 -> 198.51.100.0/28", NAT),
    Decision.TPROXY: ("tproxy tcp/80 -> :3129", ("mangle.prerouting",)),
    Decision.QUEUE: ("queue 0-3 flags bypass tcp/1", INET),
    Decision.VMAP: ("vmap tcp dport {1: accept, 2: jump c, 3: goto c, 4: return}", PLACES),
}

CLAUSES: dict[str, tuple[str, ...]] = {
    "accept state new": TRACKED,
    "accept connections over 5 per source": TRACKED,
    "ct mark set 1": TRACKED,
    "helper ftp tcp/21": (*INET, *NAT),
    "mark set 1": PLACES,
    "mark save": TRACKED,
    "mark restore": TRACKED,
    "notrack": RAW,
    "dscp set ef": MANGLE,
    "synproxy mss 1460 wscale 7 tcp/80": ("input", "forward"),
    "mss clamp tcp": at("forward", "output", "postrouting"),
    "mss clamp size 1400 tcp": (*INET, *NAT),
    "ct timeout set short tcp": TRACKED,
    "ct zone set 1": RAW,
    "ct original zone set 1": RAW,
    "trace": RAW,
    "ip ttl set 64": MANGLE,
    "ip6 hoplimit dec 1": MANGLE,
    "reset tcp option sack-perm": MANGLE,
    "meta priority set 1:10": at("forward", "output", "postrouting"),
    "dup to 192.0.2.1 device eth1": (*INET, *NAT),
    "flow add @fast": at("forward"),
    "mark xor 1": PLACES,
    "mark set map tcp dport {1: 2}": PLACES,
    "vmap ct state {new: accept}": TRACKED,
    "vmap ct mark {1: accept}": TRACKED,
    "vmap meta skuid {0: accept}": at("output", "postrouting"),
    "counter": PLACES,
    "count web": PLACES,
    'log "x"': PLACES,
    "accept tcp/1 over 5/minute per source": PLACES,
    "accept tcp/1 hits 5 in 1m per source": PLACES,
    "accept quota upto 1gbytes": PLACES,
}

FIELDS: dict[str, tuple[str, ...]] = {
    "meta skuid 0": at("output", "postrouting"),
    "meta skgid 0": at("output", "postrouting"),
    "meta iifgroup 1": (*at("prerouting", "input", "forward", "postrouting"), INGRESS),
    "meta oifgroup 1": at("forward", "output", "postrouting"),
    "meta cgroup 1": at("input", "output", "postrouting"),
    "ether saddr 02:00:5e:00:53:01": (*at("prerouting", "input", "forward"), INGRESS),
    "socket": at("prerouting", "input"),
    "ipsec": at("prerouting", "input", "forward"),
    "rpfilter fails": ("raw.prerouting", "mangle.prerouting"),
    "rpfilter loose fails": ("raw.prerouting", "mangle.prerouting"),
    'osf name "Linux"': at("prerouting", "input", "forward"),
    "meta mark 1": PLACES,
    "ip ttl 5": PLACES,
    **{f"fib {side} type local": (*INET, *NAT) for side in ("saddr", "daddr")},
    **{f"fib {side} . iif type local": at("prerouting", "input", "forward") for side in ("saddr", "daddr")},
    **{f"fib {side} . oif type local": at("forward", "output", "postrouting") for side in ("saddr", "daddr")},
    "ether daddr 02:00:5e:00:53:01": (*at("prerouting", "input", "forward"), INGRESS),
    "ether type ip": (*at("prerouting", "input", "forward"), INGRESS),
    "vlan id 5": (*at("prerouting", "input", "forward"), INGRESS),
    "meta rtclassid 5": at("input", "forward", "output", "postrouting"),
    "exthdr frag exists": PLACES,
    "ct reply daddr 192.0.2.1": TRACKED,
    "tcp flags syn": PLACES,
    "fragment": PLACES,
    "ct mark 1": TRACKED,
    "ct status dnat": TRACKED,
    "ct direction reply": TRACKED,
    "ct helper ftp": TRACKED,
    "ct original saddr 192.0.2.1": TRACKED,
    "ct bytes > 5": TRACKED,
    "not ct status dnat": TRACKED,
    "(meta mark 1 or ct expiration < 30s)": TRACKED,
}

RULES = {
    **dict(DECISIONS.values()),
    **CLAUSES,
    **{f"accept where {condition}": places for condition, places in FIELDS.items()},
}
