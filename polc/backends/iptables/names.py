"""Names of chains: what iptables takes, those that are a policy's own beside others, and fresh ones."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

from polc.backends.iptables.extensions.words import made_of
from polc.backends.iptables.tables import TABLES
from polc.ir.ruleset import Chain, RegularChain, Rule, Ruleset
from polc.ir.verdicts import chains_of, renamed

_LONGEST = 28  # XT_EXTENSION_MAXNAMELEN 29, the last a zero
_TARGETS = frozenset(
    (
        "ACCEPT", "AUDIT", "CHECKSUM", "CLASSIFY", "CLUSTERIP", "CONNMARK", "CONNSECMARK", "CT", "DNAT", "DNPT",
        "DROP", "DSCP", "ECN", "ERROR", "HL", "HMARK", "IDLETIMER", "LED", "LOG", "MARK", "MASQUERADE", "MIRROR",
        "NETMAP", "NFLOG", "NFQUEUE", "NOTRACK", "QUEUE", "RATEEST", "REDIRECT", "REJECT", "RETURN", "SAME",
        "SECMARK", "SET", "SNAT", "SNPT", "SYNPROXY", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TPROXY", "TRACE",
        "TTL", "ULOG", "standard",
    )
)  # fmt: skip
"""iptables-extensions(8), and the names that ip_tables.c keeps for itself: `-j NAME` would mean these."""
_TAKEN = _TARGETS.union(*TABLES.values())


_LONGEST_PREFIX = 13  # leaves room for `POSTROUTING` and more


def own_prefix(table: str) -> str:
    """How the names of all chains and ipsets begin that are one policy's own; it is no other's beginning, since it has
    one `-`, at its end.
    """
    readable = _readable(table).replace("-", "_").lstrip("_")
    if readable == table and len(readable) < _LONGEST_PREFIX:
        return f"{readable}-"
    return f"{readable[:4]}{crc32(table.encode()):08x}-"


def rename_chains(ruleset: Ruleset, prefix: str = "") -> Ruleset:
    """The ruleset with regular chains under names that iptables takes, which begin with ``prefix``; most keep theirs.

    A name that is too long, reserved or misread becomes its readable beginning and a digest of the whole.
    """
    regular = [chain.name for chain in ruleset.chains if isinstance(chain, RegularChain)]
    # Names of our own for built-in chains are not free.
    kept = {name for name in regular if _fits(prefix + name) and not (prefix and name in _TAKEN)}
    new = {name: prefix + (name if name in kept else _other(name, kept, prefix)) for name in regular}

    def in_rule(rule: Rule) -> Rule:
        return replace(rule, verdict=renamed(rule.verdict, new)) if chains_of(rule.verdict) else rule

    def in_chain(chain: Chain) -> Chain:
        name = new[chain.name] if isinstance(chain, RegularChain) else chain.name
        return replace(chain, name=name, rules=tuple(in_rule(rule) for rule in chain.rules))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))


def _fits(name: str) -> bool:
    return made_of(name, "-_.") and len(name) <= _LONGEST and not name.startswith("-") and name not in _TAKEN


def _other(name: str, kept: set[str], prefix: str) -> str:
    readable = _readable(name).lstrip("-")
    found = f"{readable[: _LONGEST - len(prefix) - 9]}-{crc32(name.encode()):08x}"
    while found in kept:
        found = f"{found[:-9]}-{crc32(found.encode()):08x}"
    kept.add(found)
    return found


def _readable(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name)


class FreshNames:
    """Numbered names for chains that rules bring along; all begin with ``prefix``."""

    def __init__(self, ruleset: Ruleset, prefix: str = "") -> None:
        self._prefix = prefix
        self._taken = {chain.name for chain in ruleset.chains if isinstance(chain, RegularChain)}
        self._last: dict[str, int] = {}

    def after(self, chain: str) -> str:
        """An unused name that begins like ``chain``."""
        readable = _readable(chain.removeprefix(self._prefix)).lstrip("-")
        beginning = self._prefix + (readable[: _LONGEST - len(self._prefix) - 9] or "chain")
        number = self._last.get(beginning, 0) + 1
        while (name := f"{beginning}-{number}") in self._taken:
            number += 1
        self._last[beginning] = number
        self._taken.add(name)
        return name
