"""``-m state``: what ``-m conntrack --ctstate`` says, of fewer states (libxt_conntrack.c, state_parse)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.conntrack import STATES, STATES_LISTED, words_of
from polc.importers.iptables.saved import names
from polc.ir.matches import CtState, CtStateMatch


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("state")
    states = CtState(words_of(given.word, STATES, "conntrack state"))
    if not given.negated:
        return Meaning((CtStateMatch(states),))
    others = CtState(sum(STATES.values())) & ~states
    return Meaning((CtStateMatch(others),)) if others else Meaning(never=True)


MATCH = MatchExtension("state", (Option("state", negatable=True, saved=names(STATES_LISTED)),), read=_read)
