"""``-m ecn``: congestion notification in the IP and TCP headers (net/netfilter/xt_ecn.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, FlagField, FlagsMatch, Match
from polc.ir.protocols import TCP

FIELD = {Family.IP: Field.IP_ECN, Family.IP6: Field.IP6_ECN}
_FLAGS = {"ecn-tcp-cwr": TCP_FLAG_BITS["cwr"], "ecn-tcp-ece": TCP_FLAG_BITS["ecn"]}


def _read(options: Options, context: Context) -> Meaning:
    matches: list[Match] = []
    for given in options:
        bit = _FLAGS.get(given.option.name)
        if bit is None:
            values = Intervals.single(number(given.word, 0, 3))
            matches.append(FieldMatch(FIELD[context.family], values, None, given.negated))
        elif context.protocol != TCP:
            raise Problem(APART, f"`{given.option.shown}` needs `-p tcp`", given.at)
        else:
            matches.append(FlagsMatch(FlagField.TCP_FLAGS, bit, 0 if given.negated else bit))
    if not matches:
        raise Problem(APART, "`-m ecn` needs an option such as `--ecn-ip-ect`", options.at)
    return Meaning(tuple(matches))


MATCH = MatchExtension(
    "ecn",
    (
        Option("ecn-tcp-ece", takes=0, negatable=True),
        Option("ecn-tcp-cwr", takes=0, negatable=True),
        Option("ecn-ip-ect", negatable=True, saved=decimal),
    ),
    read=_read,
)
