"""Words that people bring from other firewalls, and what they are here. Imported only when a rule is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.parser import Token

VERDICTS = {
    **dict.fromkeys(("allow", "permit", "pass"), "accept"),
    **dict.fromkeys(("deny", "block", "discard", "ignore"), "drop"),
    **dict.fromkeys(("refuse", "prohibit"), "reject"),
    "call": "jump", "include": "use", "nat": "masquerade", "tee": "dup", "nfqueue": "queue", "nftrace": "trace",
}  # fmt: skip

EFFECTS = {
    "ttl": "a TTL is set by `ip ttl set 64`",
    "hoplimit": "a hop limit is set by `ip6 hoplimit set 64`",
    "priority": "a priority is set by `meta priority set 1:10`",
    "zone": "a zone of conntrack is set by `ct zone set 1`",
    "timeout": "a timeout is given by `ct timeout set NAME`",
    "offload": "flows are offloaded by `flow add @NAME`",
    "strip": "options are taken out by `reset tcp option sack-perm`",
    "classify": "a class is set by `meta priority set 1:10`",
}
"""Words for what a rule does -> how that is written."""

OPTIONS = {
    "flags": 'flags stand behind `log "..."` and `queue`, as in `queue 0-3 flags bypass`',
    "snaplen": 'it stands behind a log to a group, as in `log "in: " group 5 snaplen 64`',
    "queue-threshold": 'it stands behind a log to a group, as in `log "in: " group 5 queue-threshold 10`',
    "level": 'it stands behind `log`, as in `log "in: " level info`',
    "group": 'it stands behind `log`, as in `log "in: " group 5`',
    "at": 'it stands behind `log`, as in `log "in: " at 5/minute`',
    "map": "a map stands behind `->` or `set`, as in `dnat tcp -> map tcp dport {80: 192.0.2.10:8080}`",
    "device": "it stands behind `dup to`, as in `dup to 192.0.2.1 device eth1`",
    "add": "flows are added by `flow add @NAME`",
    "xor": "bits are flipped by `mark xor 0x1`",
    "inc": "it stands behind a field, as in `ip ttl inc 1`",
    "dec": "it stands behind a field, as in `ip ttl dec 1`",
    "set": "it stands behind what is set, as in `mark set 0x1`",
    "save": "it stands behind `mark`",
    "restore": "it stands behind `mark`",
    "mask": "it stands behind a mark, as in `mark set 0x1 mask 0xff`",
    "burst": "it stands behind a rate, as in `limit 5/minute burst 10`",
    "per": "it stands behind a rate, as in `over 5/minute per source`",
}
"""Words that go on with what is before them -> what that must be."""

_PORTS = "ports stand in the service, right behind the verdict: `{verdict} tcp/22`"
_CLAUSES = {
    **dict.fromkeys(("port", "ports", "dport", "dports", "--dport"), _PORTS),
    **dict.fromkeys(("sports", "--sport"), "source ports have a clause of their own: `sport 1024-65535`"),
    **dict.fromkeys(("saddr", "src", "source", "-s"), "source addresses stand after `from`"),
    **dict.fromkeys(("daddr", "dst", "destination", "-d"), "destination addresses stand after `to`"),
    **dict.fromkeys(("iif", "iifname", "in", "-i"), "the incoming interface is a zone after `from`"),
    **dict.fromkeys(("oif", "oifname", "out", "-o"), "the outgoing interface is a zone after `to`"),
    **dict.fromkeys(("ctstate", "--ctstate", "-m"), "the state is a clause: `state new`"),
    **dict.fromkeys(("ct", "meta", "ip", "ip6", "tcp"), "fields stand after `where`, and the state after `state`"),
    **dict.fromkeys(("rate", "ratelimit"), "a rate stands after `limit` or `over`"),
    **dict.fromkeys(("protocol", "-p"), "the protocol is a service, right behind the verdict: `{verdict} tcp`"),
    **dict.fromkeys(("if", "when", "unless", "match"), "conditions stand after `where`"),
    **dict.fromkeys(("prefix", "log-prefix"), "as in `log \"in: \"`"),
    **EFFECTS,
    **dict.fromkeys(("random-fully", "--random-fully", "fully"), "it is written `fully-random`"),
    **dict.fromkeys(("bypass", "fanout"), "as in `queue 0-3 flags bypass,fanout`"),
    "=": "two values are compared by `==`", "&": "conditions are joined by `and`", "|": "conditions are joined by `or`",
}  # fmt: skip

_PROTOCOLS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})


def service(text: str) -> str:
    """`22/tcp`, `tcp:22`: what was meant, "" where that is not known."""
    for separator in "/:":
        left, _, right = text.partition(separator)
        if left in _PROTOCOLS and right[:1].isdigit():
            return f"{left}/{right}"
        if right in _PROTOCOLS and left[:1].isdigit():
            return f"{right}/{left}"
    return ""


def advice(token: Token, before: Sequence[Token]) -> str:
    """What to write instead of a word that begins no clause, "" where that is not known."""
    verdict, after = before[0].text, before[-1]
    if verdict == "vmap":
        verdict = "vmap KEY {...}"
    if token.text in _CLAUSES and not (token.text == "in" and after.kind == "VALUE"):
        return _CLAUSES[token.text].format(verdict=verdict)
    if token.kind == "VALUE" and after.text == "port":
        return f"write `tcp/{token.text}`"
    if token.kind == "VALUE" and after.text in _PROTOCOLS:
        return f"write `{after.text}/{token.text}`"
    if token.kind == "VALUE" and after.kind in ("PORTS", "VALUE") and len(before) == 2:
        return f"several ports stand with commas between them: `{after.text},{token.text}`"
    late = token.kind == "PORTS" or token.text in BUILTIN_SERVICES or token.text in _PROTOCOLS
    if late and after.text not in BUILTIN_SERVICES:
        return f"a service stands right behind the verdict: `{verdict} {token.text}`"
    return ""
