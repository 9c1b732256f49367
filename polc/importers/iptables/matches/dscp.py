"""``-m dscp``: the code point of differentiated services (net/netfilter/xt_dscp.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

FIELD = {Family.IP: Field.IP_DSCP, Family.IP6: Field.IP6_DSCP}
_CLASSES = {
    # libxt_DSCP, dscp_helper.c
    name: value
    for name, value in FIELDS[Field.IP_DSCP].names
    if name[:2] in ("cs", "af", "be", "ef")
}


def code_point(given: Given) -> int:
    """A number or, of the option whose name ends so, a class.

    Raises:
        Problem: it is neither.
    """
    word = given.word
    if not given.option.name.endswith("-class"):
        return number(word, 0, 63, "code point")
    found = _CLASSES.get(word.text.lower())
    if found is None:
        raise wrong(word, f"`{word.text}` is no class of DiffServ", help=did_you_mean(word.text, _CLASSES))
    return found


def _read(options: Options, context: Context) -> Meaning:
    given = options.need("dscp", "dscp-class")
    return Meaning((FieldMatch(FIELD[context.family], Intervals.single(code_point(given)), None, given.negated),))


def _saved(given: Given) -> Written:
    return Written("dscp", (f"{code_point(given):#04x}",), given.negated)


MATCH = MatchExtension(
    "dscp",
    (Option("dscp", negatable=True, saved=_saved), Option("dscp-class", negatable=True, saved=_saved)),
    read=_read,
)
