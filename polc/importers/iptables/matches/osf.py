"""``-m osf``: the fingerprint of a sender's system (net/netfilter/xt_osf.c, nfnetlink_osf.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.matches import NameField, NameMatch
from polc.ir.protocols import TCP

_LONGEST = 31


def _read(options: Options, _context: Context) -> Meaning:
    genre = options.need("genre")
    if not 0 < len(genre.word.text) <= _LONGEST:
        raise wrong(genre.word, f"`{genre.word.text}` is no genre: those have 1 to {_LONGEST} letters")
    ttl = number(given.word, 0, 2, "level") if (given := options.get("ttl")) else 0
    if log := options.get("log"):
        number(log.word, 0, 2, "level")
        return Meaning((options.opaque("it logs what it finds, and nft's `osf` does not"),))
    if ttl:
        return Meaning((options.opaque("polc compares fingerprints with the TTL that they say alone"),))
    if genre.negated:
        return Meaning((options.opaque("it holds for systems that are not known, too"),))
    return Meaning((NameMatch(NameField.OSF_NAME, genre.word.text),))


MATCH = MatchExtension(
    "osf",
    (Option("genre", negatable=True, text=True), Option("ttl", saved=decimal), Option("log", saved=decimal)),
    protocols=frozenset({TCP}),
    chains=frozenset({"PREROUTING", "INPUT", "FORWARD"}),
    read=_read,
)
