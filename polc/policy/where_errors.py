"""What a person may write after `where` that is no condition, and what to write instead."""

from __future__ import annotations

import re

from polc.diagnostics import Failure
from polc.diagnostics.suggest import nearest
from polc.ir.fields import FIELDS
from polc.ir.matches import ExtensionHeader, FlagField, NameField, Trait
from polc.parsing.tables import END
from polc.policy.nodes import Scalar
from polc.policy.parser import Unexpected

_ELSEWHERE: tuple[tuple[str, str], ...] = (
    (r"ct state|state", "the state has a clause of its own: `state new`"),
    (r"(tcp|udp|sctp|dccp|udplite|th) dport", "ports stand in the service, such as `tcp/22`"),
    (r"(tcp|udp|sctp|dccp|udplite|th) sport", "source ports have a clause of their own: `sport 1024-65535`"),
    (r"icmp|icmpv6|icmpx", "ICMP is a service, such as `icmp/echo-request`"),
    (r"ip6? saddr|saddr|src", "source addresses stand after `from`"),
    (r"ip6? daddr|daddr|dst", "destination addresses stand after `to`"),
    (r"(meta )?(iifname|iif)", "the incoming interface is a zone after `from`"),
    (r"(meta )?(oifname|oif)", "the outgoing interface is a zone after `to`"),
    (r"l4proto|ip protocol|ip6 nexthdr", "the protocol is a service, such as `tcp` or `proto gre`"),
    (r"ct count", "connections have a clause of their own: `connections over 20 per source`"),
    (r"limit|quota", "it has a clause of its own, without `where`"),
)

_KNOWN = (
    *(one.value for one in FIELDS),
    *(one.value for one in (*FlagField, *NameField, *Trait)),
    *(f"exthdr {one.value}" for one in ExtensionHeader),
    "ct original saddr", "ct original daddr", "ct reply saddr", "ct reply daddr", "fib saddr type", "fib daddr type",
    "rpfilter", "rpfilter loose", "tcp option sack-perm",
)  # fmt: skip


def explain_condition(error: Unexpected, text: Scalar) -> Failure | None:
    """The POL110 for words that are no field; None where something else is wrong."""
    start = error.token if "OPEN" in error.expected else error.before[-1]
    if (
        error.token.text in ("&", "|", "=")
        or start.kind in (END, "COMMA", "STRING")
        or (start is not error.token and start.kind != "NAME")
    ):
        return None
    rest = text.text[start.start :]
    if start.text.startswith("!"):
        message = f"`{start.text}` is nothing that `where` compares"
        meant = f"not {start.text.lstrip('!')}".rstrip()
        return Failure.of("POL110", message, text.place(start.start, start.end), help=f"write `{meant}`")
    words, hint = _elsewhere(rest)
    shown = " ".join(words.split()[:2]) or start.text
    if not hint:
        near = nearest(words, _KNOWN) or nearest(shown, _KNOWN)
        hint = f"did you mean `{near}`?" if near else "a condition begins with a field such as `ct status` or `ip ttl`"
    end = start.start + len(shown) if rest.startswith(shown) else start.end
    return Failure.of("POL110", f"`{shown}` is nothing that `where` compares", text.place(start.start, end), help=hint)


def instead_of(rest: str) -> str:
    """What to write instead of the words that a text begins with, "" where nothing is known."""
    words, hint = _elsewhere(rest)
    near = nearest(words, _KNOWN) or nearest(" ".join(words.split()[:2]), _KNOWN)
    return hint or (f"did you mean `{near}`?" if near else "")


def _elsewhere(rest: str) -> tuple[str, str]:
    words = " ".join(re.findall(r"[A-Za-z0-9-]+", rest)[:3])
    return words, next((hint for pattern, hint in _ELSEWHERE if re.match(rf"(?:{pattern})\b", words)), "")
