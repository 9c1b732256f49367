"""Sets that fill at run time: ``-m set`` and ``-j SET`` (iptables-extensions(8)).

A line that adds goes on to the rule's next one, be the set full or not.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.matches import SetMatch
from polc.ir.selectors import Selector, Side
from polc.ir.statements import UpdateSet

_LONGEST_TIMEOUT = 2147483  # IPSET_MAX_TIMEOUT; the target shortens what is longer without a word

_SIDES: dict[Selector, str] = {Side.SADDR: "src", Side.DADDR: "dst"}


def _ends(key: tuple[Selector, ...]) -> str:
    lacking = [one for one in key if one not in _SIDES]
    if lacking:
        raise Refused("set-key", f"an ipset has no key of {' and '.join(one.value for one in lacking)}")
    return ",".join(_SIDES[one] for one in key)


def words(match: SetMatch) -> Words:
    return module(f"set {'! ' if match.negated else ''}--match-set {match.set_name} {_ends(match.key)}")


def update(one: UpdateSet) -> str:
    """``--exist`` renews the time of an address that is in the set already."""
    text = f"-j SET --add-set {one.set_name} {_ends(one.key)} --exist"
    if one.timeout is None:
        return text
    check_timeout(one.timeout, one.set_name)
    return f"{text} --timeout {one.timeout}"


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
