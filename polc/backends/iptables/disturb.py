"""What changes what a match of the same rule asks: the rule's next line would not hold any more, or hold again."""

from __future__ import annotations

from polc.ir.fields import TCP_OPTION_KINDS, Field
from polc.ir.matches import CtStateMatch, FieldMatch, Match, SetMatch, TcpOptionMatch
from polc.ir.statements import (
    ClampMss,
    CopyMark,
    MapMark,
    MarkField,
    Notrack,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    Statement,
    StripTcpOptions,
    UpdateSet,
)
from polc.ir.verdicts import Jump, Verdict

_MARKS = {MarkField.META: Field.META_MARK, MarkField.CT: Field.CT_MARK}
_DSCP = (Field.IP_DSCP, Field.IP6_DSCP)
_MAXSEG = TCP_OPTION_KINDS["maxseg"]
_HOPS = (Field.TTL, Field.HOPLIMIT)


def disturbs(statement: Statement, match: Match) -> bool:
    match statement, match:
        case SetMark(mark) | MapMark(mark), FieldMatch(field):
            return field is _MARKS[mark]
        case CopyMark(to), FieldMatch(field):
            return field is _MARKS[to]
        case SetDscp(), FieldMatch(field):
            return field in _DSCP
        case ClampMss(), FieldMatch(field):
            return field is Field.TCP_MSS
        case SetHops(), FieldMatch(field):
            return field in _HOPS
        case StripTcpOptions(kinds), TcpOptionMatch(kind):
            return kind in kinds
        case StripTcpOptions(kinds), FieldMatch(field):
            return field is Field.TCP_MSS and _MAXSEG in kinds
        case OpaqueStatement(), _:
            return True
        case Notrack(), CtStateMatch():
            return True
        case UpdateSet(set_name=name), SetMatch(set_name=asked):
            return name == asked
        case _:
            return False


def changes_on_the_way(verdict: Verdict | None, match: Match) -> bool:
    """Whether what a match asks may be another when the packet comes back from a chain."""
    changing = (*_MARKS.values(), *_DSCP, *_HOPS, Field.TCP_MSS)
    return isinstance(verdict, Jump) and (
        isinstance(match, TcpOptionMatch) or (isinstance(match, FieldMatch) and match.field in changing)
    )
