"""Dynamic sets as ``sets.ipset``, for ``ipset -exist restore`` (ipset(8)): sets that exist keep their members."""

from __future__ import annotations

from collections.abc import Iterable

from polc.backends.iptables.extensions.sets import check_timeout
from polc.backends.iptables.extensions.words import Refused, made_of
from polc.ir.family import Family
from polc.ir.matches import SetMatch
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.statements import UpdateSet

FILE = "sets.ipset"
_LONGEST = 31  # IPSET_MAXNAMELEN 32, the last a zero
_LARGEST = 1 << 24
_SMALLEST_TABLE = 64  # IPSET_MIMINAL_HASHSIZE
_FAMILIES = {Family.IP: "inet", Family.IP6: "inet6"}


def create(one: DynamicSet) -> str:
    """The command that makes the set.

    Rules add what the hash table takes as it was made: only ``ipset add`` has it grow (ipset(8), SET TYPES). A bucket
    takes 12 addresses: the 1024 that ipset makes by itself would turn addresses away long before a set of 65535 is
    full. With a bucket for each address that does not happen: one in 10**10 buckets is then too small.

    Raises:
        Refused: ipset has no such set.
    """
    _check_name(one.name)
    if one.size is None or not 1 <= one.size <= _LARGEST:
        raise Refused(
            "set-size",
            f"an ipset that rules fill is made for all its addresses at once, which polc does for 1 to {_LARGEST}, "
            f"and `{one.name}` has {one.size}",
            "a smaller `size`",
        )
    if one.timeout is not None:
        check_timeout(one.timeout, one.name)
    (family,) = one.families
    buckets = max(_SMALLEST_TABLE, 1 << (one.size - 1).bit_length())
    # A set without a time has `timeout 0`: whoever adds to it by hand can still give one.
    return (
        f"create {one.name} hash:ip hashsize {buckets} maxelem {one.size} timeout {one.timeout or 0} "
        f"family {_FAMILIES[family]}"
    )


def file_text(commands: Iterable[str]) -> str:
    """The file of the commands of ``create``, those for sets of IPv4 first.

    ipset takes a file line by line, and a line that is cut short may be one that it takes: `timeout 36` of 3600. The
    family comes last, and no rule of IPv6 takes a set that has lost it; where any other set is cut, those behind it
    are missing. So the rules are refused, whatever was cut.
    """
    of_ip6 = f"family {_FAMILIES[Family.IP6]}"
    return "".join(f"{command}\n" for command in sorted(commands, key=lambda one: one.endswith(of_ip6)))


def named(rule: Rule) -> set[str]:
    """The sets that a rule asks or fills."""
    nodes = (*rule.matches, *rule.statements)
    return {node.set_name for node in nodes if isinstance(node, SetMatch | UpdateSet)}


def _check_name(name: str) -> None:
    if len(name.encode()) > _LONGEST:
        raise Refused(
            "set-name",
            f"the names of ipsets have at most {_LONGEST} bytes, and `{name}` has {len(name.encode())}",
            "a shorter name for the group",
        )
    if not made_of(name, "-_") or name.startswith("-"):
        raise Refused("set-name", f"ipset would misread the name `{name}`")
