"""Sets that fill at run time: ``-m set`` and ``-j SET`` (iptables-extensions(8)).

A line that adds goes on to the rule's next one, be the set full or not.
"""

from __future__ import annotations

from polc.backends.iptables.extensions import settypes
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.matches import ElementMatch, SetMatch
from polc.ir.statements import SetOperation, UpdateSet

_LONGEST_TIMEOUT = 2147483  # IPSET_MAX_TIMEOUT; the target shortens what is longer without a word


def words(match: SetMatch, context: Context) -> Words:
    ends = settypes.directions(_form(match.set_name, context), match.key)
    return module(f"set {'! ' if match.negated else ''}--match-set {match.set_name} {ends}")


def elements(match: ElementMatch, context: Context) -> Words:
    """Elements that are an ipset of their own."""
    name, form = context.elements[match]
    return module(f"set {'! ' if match.negated else ''}--match-set {name} {settypes.directions(form, match.key)}")


def update(one: UpdateSet, context: Context) -> str:
    """``--exist`` renews the time of an address that is in the set already."""
    ends = settypes.directions(_form(one.set_name, context), one.key)
    match one.operation:
        case SetOperation.DELETE:
            return f"-j SET --del-set {one.set_name} {ends}"
        case SetOperation.ADD:
            text = f"-j SET --add-set {one.set_name} {ends}"
        case SetOperation.UPDATE:
            text = f"-j SET --add-set {one.set_name} {ends} --exist"
    if one.timeout is None:
        return text
    check_timeout(one.timeout, one.set_name)
    return f"{text} --timeout {one.timeout}"


def _form(name: str, context: Context) -> settypes.Form:
    if name not in context.sets:
        raise Refused("set-key", f"there is no set `{name}`")
    return context.sets[name]


def check_timeout(seconds: int, name: str) -> None:
    """
    Raises:
        Refused: an ipset has no such time.
    """
    if not 1 <= seconds <= _LONGEST_TIMEOUT:
        raise Refused(
            "set-timeout",
            f"an ipset keeps an address for 1 to {_LONGEST_TIMEOUT} seconds, and `{name}` is to for {seconds}",
            "a time of at most 24 days",
        )
