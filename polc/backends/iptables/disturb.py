"""What changes what a match of the same rule asks: the rule's next line would not hold any more, or hold again."""

from __future__ import annotations

from polc.ir.fields import Field
from polc.ir.matches import CtStateMatch, FieldMatch, Match, SetMatch
from polc.ir.statements import ClampMss, CopyMark, MarkField, Notrack, SetDscp, SetMark, Statement, UpdateSet
from polc.ir.verdicts import Jump, Verdict

_MARKS = {MarkField.META: Field.META_MARK, MarkField.CT: Field.CT_MARK}
_DSCP = (Field.IP_DSCP, Field.IP6_DSCP)


def disturbs(statement: Statement, match: Match) -> bool:
    match statement, match:
        case SetMark(mark), FieldMatch(field):
            return field is _MARKS[mark]
        case CopyMark(to), FieldMatch(field):
            return field is _MARKS[to]
        case SetDscp(), FieldMatch(field):
            return field in _DSCP
        case ClampMss(), FieldMatch(field):
            return field is Field.TCP_MSS
        case Notrack(), CtStateMatch():
            return True
        case UpdateSet(set_name=name), SetMatch(set_name=asked):
            return name == asked
        case _:
            return False


def changes_on_the_way(verdict: Verdict | None, match: Match) -> bool:
    """Whether what a match asks may be another when the packet comes back from a chain."""
    changing = (*_MARKS.values(), *_DSCP, Field.TCP_MSS)
    return isinstance(verdict, Jump) and isinstance(match, FieldMatch) and match.field in changing
