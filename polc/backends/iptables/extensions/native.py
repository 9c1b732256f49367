"""Words that somebody wrote for iptables, with the rule's comment where iptables-save prints it: before the target."""

from __future__ import annotations

import re

from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Target
from polc.ir.statements import Native

_TARGET = re.compile(r'(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*?(?:^|(?<=\s))(?=(?:-j|-g|--jump|--goto)\s)', re.DOTALL)


def target(one: Native) -> Target:
    """Raises:
    Refused: nothing is said for iptables.
    """
    if one.iptables is None:
        raise Refused("native", "the rule is native and has no words for iptables", "the key `iptables` beside them")
    found = _TARGET.match(one.iptables)
    end = found.end() if found else len(one.iptables)
    return Target(one.iptables[end:], pieces=(Piece(Rank.PROTOCOL, one.iptables[:end].strip()),))
