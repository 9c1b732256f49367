"""Hit counts: ``-m recent`` (net/netfilter/xt_recent.c), as two rules: one records, the next one asks.

The kernel remembers ``ip_list_tot`` addresses a table (a parameter of the module xt_recent, 100 unless
set when it is loaded) and forgets the one unseen for longest, so with more sources than that at a time
some are forgotten early; ``NOTE`` says so in the file. A table keeps the mask of its first user, and
IPv4 and IPv6 share the name space: the name carries a digest of both.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.naming import state_name
from polc.backends.iptables.extensions.words import Context, Refused, Words, module
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.stateful import Hits, KeyField

NOTE = (
    "xt_recent remembers 100 addresses a list; on a busy host raise it before the module is loaded: "
    "options xt_recent ip_list_tot=65535"
)
_HIGHEST_COUNT = 255  # XT_RECENT_MAX_NSTAMPS - 1
_LONGEST_WINDOW = 0xFFFFFFFF // 1000  # seconds * HZ is reckoned in 32 bits
_SIDES = {KeyField.SOURCE: "--rsource", KeyField.DESTINATION: "--rdest"}


def record(hits: Hits, context: Context) -> Words:
    """The rule that counts a packet; it has no target."""
    _check_key(hits)
    return module(f"recent --set {_key(hits, context.family)}")


def check(hits: Hits, context: Context) -> Words:
    """The rule that holds when there are enough."""
    _check_key(hits)
    if not 1 <= hits.count <= _HIGHEST_COUNT:
        raise Refused("hits-count", f"xt_recent counts 1 to {_HIGHEST_COUNT} hits, not {hits.count}")
    if not 1 <= hits.window <= _LONGEST_WINDOW:
        raise Refused("hits-window", f"xt_recent looks back 1 to {_LONGEST_WINDOW} seconds, not {hits.window}")
    verb = "--update" if hits.refresh else "--rcheck"
    return module(
        f"recent {verb} --seconds {hits.window} --hitcount {hits.count} {_key(hits, context.family)}",
    )


def _key(hits: Hits, family: Family) -> str:
    length = hits.key.ip_length if family is Family.IP else hits.key.ip6_length
    mask = format_address(family, ((1 << length) - 1) << (family.bits - length))
    name = state_name(hits.table, family.value, length, hits.key.field.value)
    return f"--name {name} --mask {mask} {_SIDES[hits.key.field]}"


def _check_key(hits: Hits) -> None:
    if hits.key.field not in _SIDES:
        raise Refused("hits-key", "xt_recent counts by source or by destination address", "write `per source`")
