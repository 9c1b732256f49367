"""``-m recent`` (net/netfilter/xt_recent.c): hit counts, as two rules, of which one records and the next one asks; and
the verbs of the match itself, on lists with names.

The kernel remembers ``ip_list_tot`` addresses a table (a parameter of the module xt_recent, 100 unless
set when it is loaded) and forgets the one unseen for longest, so with more sources than that at a time
some are forgotten early; ``NOTE`` says so in the file. A table keeps the mask of its first user, and
IPv4 and IPv6 share the name space: the name of a hit count carries a digest of both, and a list that both families
use has another name in IPv6's file.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.naming import state_name
from polc.backends.iptables.extensions.words import Refused, Words, made_of, module
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.stateful import Hits, KeyField, KeyPart, RecentMatch, RecentVerb

NOTE = (
    "xt_recent remembers 100 addresses a list; on a busy host raise it before the module is loaded: "
    "options xt_recent ip_list_tot=65535"
)
COUNTS = "-m recent "
"""What lines have that such a list is kept for."""
_HIGHEST_COUNT = 255  # XT_RECENT_MAX_NSTAMPS - 1
_LONGEST_WINDOW = 0xFFFFFFFF // 1000  # seconds * HZ is reckoned in 32 bits
_LONGEST_NAME = 199  # XT_RECENT_NAME_LEN 200, the last a zero
_MARKS = "-_.:"
_SIDES = {KeyField.SOURCE: "--rsource", KeyField.DESTINATION: "--rdest"}


def record(hits: Hits, context: Context) -> Words:
    """The rule that counts a packet; it has no target."""
    _check_key(hits.key)
    return module(f"recent --set {_state(hits, context.family)}")


def check(hits: Hits, context: Context) -> Words:
    """The rule that holds when there are enough."""
    _check_key(hits.key)
    _check_count(hits.count)
    _check_window(hits.window)
    verb = "--update" if hits.refresh else "--rcheck"
    return module(
        f"recent {verb} --seconds {hits.window} --hitcount {hits.count} {_state(hits, context.family)}",
    )


def listed(match: RecentMatch, context: Context) -> Words:
    """One verb on a list."""
    _check_key(match.key)
    asks = match.verb in (RecentVerb.RCHECK, RecentVerb.UPDATE)
    if (match.reap and match.seconds is None) or (not asks and _conditions(match)):
        raise Refused("recent-verb", f"xt_recent has no such condition for `{match.verb.value}`")
    if not (made_of(match.name, _MARKS) and len(match.name) <= _LONGEST_NAME and not match.name.startswith("-")):
        raise Refused("recent-name", f"iptables would misread the list `{match.name}`", "a name of letters and digits")
    if match.hits is not None:
        _check_count(match.hits)
    if match.seconds is not None:
        _check_window(match.seconds)
    name = context.lists.get(match.name, match.name)
    words = (
        f"recent{' !' if match.negated else ''} --{match.verb.value}",
        *_conditions(match),
        _of(name, match.key, context.family),
    )
    return module(" ".join(words))


def _conditions(match: RecentMatch) -> list[str]:
    """In the order of libxt_recent.c, recent_save."""
    return [
        *([f"--seconds {match.seconds}"] if match.seconds is not None else []),
        *(["--reap"] if match.reap else []),
        *([f"--hitcount {match.hits}"] if match.hits is not None else []),
        *(["--rttl"] if match.ttl else []),
    ]


def _state(hits: Hits, family: Family) -> str:
    return _of(state_name(hits.table, family.value, prefix(hits.key, family), hits.key.field.value), hits.key, family)


def _of(name: str, key: KeyPart, family: Family) -> str:
    length = prefix(key, family)
    mask = format_address(family, ((1 << length) - 1) << (family.bits - length))
    return f"--name {name} --mask {mask} {_SIDES[key.field]}"


def prefix(key: KeyPart, family: Family) -> int:
    return key.ip_length if family is Family.IP else key.ip6_length


def _check_key(key: KeyPart) -> None:
    if key.field not in _SIDES:
        raise Refused("hits-key", "xt_recent counts by source or by destination address", "write `per source`")


def _check_count(count: int) -> None:
    if not 1 <= count <= _HIGHEST_COUNT:
        raise Refused("hits-count", f"xt_recent counts 1 to {_HIGHEST_COUNT} hits, not {count}")


def _check_window(seconds: int) -> None:
    if not 1 <= seconds <= _LONGEST_WINDOW:
        raise Refused("hits-window", f"xt_recent looks back 1 to {_LONGEST_WINDOW} seconds, not {seconds}")
