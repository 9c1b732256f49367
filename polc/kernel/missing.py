"""What of a ruleset a kernel does not have, where all that it says is that something is not there."""

from __future__ import annotations

from typing import Final

from polc.backends.features import Feature
from polc.backends.requirements import REQUIREMENTS
from polc.diagnostics import Failure

_WORDS: Final[dict[str, Feature]] = {
    '{"flowtable":': Feature.FLOWTABLE,
    '{"queue":': Feature.QUEUE,
    '{"synproxy":': Feature.SYNPROXY,
    '{"tproxy":': Feature.TPROXY,
    '{"osf":': Feature.OSF,
    '{"socket":': Feature.SOCKET,
    '{"fib":': Feature.FIB,
    '{"ct count":': Feature.CONNLIMIT,
    '{"ct helper":': Feature.CT_HELPER,
    '{"ct timeout":': Feature.CT_TIMEOUT,
    '{"quota":': Feature.QUOTA,
    '{"dup":': Feature.DUPLICATE,
    '{"reset":': Feature.TCP_OPTION_RESET,
    '{"key":"ipsec"}': Feature.IPSEC,
    '"hook":"egress"': Feature.NETDEV_EGRESS,
    '"family":"bridge"': Feature.BRIDGE,
    '"family":"netdev"': Feature.NETDEV,
    '"family":"arp"': Feature.ARP,
}
"""What stands in nft's JSON where a feature is used."""


def explained(failure: Failure, commands: str) -> Failure:
    """A refusal of nft's JSON with the names of what this kernel was built without, found out by trying it.

    The kernel itself says no more than "No such file or directory".
    """
    used = {feature for words, feature in _WORDS.items() if words in commands}
    if not used or any(one.code != "POL603" for one in failure.diagnostics):
        return failure
    from polc.kernel.capabilities import measure  # only here: it loads a ruleset for each feature

    host = measure(frozenset({"nft"}))
    lacking = sorted(REQUIREMENTS[one].what for one in used if not host.has(one))
    if not lacking:
        return failure
    message = failure.diagnostics[0].message
    return Failure.of("POL603", f"this host has no {' and no '.join(lacking)}: {message}")
