"""Clauses that hang on what came before: rates, hits, connections, quotas, lists, turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from polc.ir.family import Family
from polc.ir.matches import Match, OpaqueMatch
from polc.ir.ruleset import Rule
from polc.ir.stateful import (
    Amount,
    Connections,
    EveryNth,
    Hits,
    KeyField,
    KeyPart,
    Limit,
    Quota,
    RandomMatch,
    Rate,
    RecentMatch,
)
from polc.lift.model import Unsayable, Words
from polc.lift.quoting import quoted
from polc.lift.times import seconds, size
from polc.policy.lower.stateful import DEFAULT_BURST, DEFAULT_SIZE
from polc.policy.lower.values import duration
from polc.policy.parser import reserved

State = tuple[str, str, Family]
_SCALE = 1 << 31


def states(rules: Iterable[Rule]) -> Counter[State]:
    """How many rules have each state: buckets and counts of one name."""
    found: Counter[State] = Counter()
    for rule in rules:
        own = {(type(match).__name__, match.table) for match in rule.matches if isinstance(match, _NAMED)}
        found.update((kind, name, family) for kind, name in own for family in rule.families)
    return found


_NAMED = (Limit, Hits, Connections, Quota)


def say(match: Match, rule: Rule, known: Counter[State], words: Words) -> None:
    """Add the clause for a stateful match.

    Raises:
        Unsayable: there is none, or other rules share what it counts.
    """
    if isinstance(match, _NAMED) and any(
        known[type(match).__name__, match.table, family] > 1 for family in rule.families
    ):
        raise Unsayable(f"it counts together with other rules, in `{match.table}`")
    if isinstance(match, Limit | Connections | Quota) and match.both:
        raise Unsayable("it counts packets of both families together, and a policy those of each by themselves")
    match match:
        case Connections(count, over, key, size=keys):
            words.add("connections", f"connections {'over' if over else 'upto'} {count}{_per(key, keys)}")
        case Limit(rate, burst, over, key, size=keys):
            word = "over" if over else "limit"
            words.add(word, f"{word} {_rate(rate, burst)}{_per(key, keys)}")
        case Hits(count, window, key, refresh, size=keys):
            words.add("hits", f"hits {count} in {_time(window)}{_per((key,), keys)}{' refresh' if refresh else ''}")
        case Quota(amount, over):
            words.add("quota", f"quota {'over' if over else 'upto'} {size(amount)}")
        case RecentMatch():
            words.add("recent", f"recent {_recent(match)}")
        case EveryNth(every, packet):
            words.add("nth", f"nth {every}{f' packet {packet}' if packet else ''}")
        case RandomMatch(threshold, negated):
            words.add("probability", f"probability {_probability(_SCALE - threshold if negated else threshold)}")
        case OpaqueMatch():
            pass
        case _:
            raise Unsayable("the language has no words for what it counts")


def _rate(rate: Rate, burst: int) -> str:
    period = rate.unit.name.lower()
    if rate.amount is Amount.PACKETS:
        return f"{rate.count}/{period}" + (f" burst {burst}" if burst != DEFAULT_BURST else "")
    return f"{size(rate.count)}/{period}" + (f" burst {size(burst)}" if burst != rate.count else "")


def _per(key: tuple[KeyPart, ...], keys: int = DEFAULT_SIZE) -> str:
    # Without a key there is one count, whatever its size.
    return f" per {','.join(map(_key, key))}{f' size {keys}' if keys != DEFAULT_SIZE else ''}" if key else ""


def _key(part: KeyPart) -> str:
    name = part.field.value
    if part.field in (KeyField.SPORT, KeyField.DPORT) or (part.ip_length, part.ip6_length) == (32, 128):
        return name
    return f"{name}/{part.ip_length}" + (f",/{part.ip6_length}" if part.ip6_length != 128 else "")


def _time(number: int) -> str:
    text = seconds(number)
    try:
        duration(text)
    except ValueError as error:
        raise Unsayable(str(error)) from None
    return text


def _recent(match: RecentMatch) -> str:
    name = match.name
    plain = name.isascii() and name.replace("-", "_").isidentifier() and name not in reserved()
    parts = [*(("not",) if match.negated else ()), match.verb.value, name if plain else quoted(name)]
    if match.seconds is not None:
        parts.append(f"in {_time(match.seconds)}")
    if match.hits is not None:
        parts.append(f"hitcount {match.hits}")
    if match.key != KeyPart(KeyField.SOURCE):
        parts.append(_per((match.key,)).strip())
    flags = [name for name, there in (("ttl", match.ttl), ("reap", match.reap)) if there]
    if flags:
        parts.append(f"flags {', '.join(flags)}")
    return " ".join(parts)


def _probability(threshold: int) -> str:
    """The shortest decimal number that is this one when it is read again."""
    exact = Fraction(threshold, _SCALE)
    for digits in range(1, 12):
        scaled = round(exact * 10**digits)
        if int(Fraction(scaled, 10**digits) * _SCALE + Fraction(1, 2)) == threshold:
            text = f"{scaled:0{digits + 1}d}"
            return f"{text[:-digits]}.{text[-digits:]}".rstrip("0").rstrip(".")
    raise AssertionError(threshold)
