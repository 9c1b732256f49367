"""``-m helper``: flows that a conntrack helper expected (net/netfilter/xt_helper.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import wrong
from polc.ir.matches import NameField, NameMatch

_LONGEST = 29


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("helper")
    if len(given.word.text) > _LONGEST:
        raise wrong(given.word, f"`{given.word.text}` is no name of a helper: those have at most {_LONGEST} letters")
    if not given.word.text:
        return Meaning((options.opaque("nft asks for a helper by its name, and not whether there is any"),))
    match = NameMatch(NameField.CT_HELPER, given.word.text)
    # `!` holds for flows of no helper, too.
    return Meaning(unless=(match,)) if given.negated else Meaning((match,))


MATCH = MatchExtension("helper", (Option("helper", negatable=True),), read=_read)
