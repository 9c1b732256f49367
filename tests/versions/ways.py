"""The ways into the kernel, as an administrator has them: what docs/targets.md says to type."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.iptables import compare as compare_iptables
from polc.backends.iptables import compare_ipsets
from polc.backends.nft import compare as compare_nft

_NFT_STATE = "nft list ruleset"
_NFT_LISTING = {"ruleset.nft.json": "nft -j list ruleset"}


@dataclass(frozen=True, slots=True)
class Way:
    """Commands for the shell, in the directory of the output's files.

    ``sets`` and ``load`` load them; ``sets`` is run only where there is a file of sets. ``state`` prints all that
    packets meet, and nothing that changes by itself; each of ``listings`` what is compared with an output file (of
    the default format of ``target``).
    """

    name: str
    target: str
    format: str
    load: str
    state: str
    listings: dict[str, str]
    sets: str = "true"


def _iptables(variant: str) -> Way:
    tools = [f"iptables-{variant}", f"ip6tables-{variant}"]
    restore = [f"{tool}-restore{test} < rules.v{version}" for test in (" --test", "") for tool, version in _pair(tools)]
    # Comments have the hour in them, and brackets what was counted.
    saves = "; ".join(f"{tool}-save | sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]//'" for tool in tools)
    return Way(
        f"iptables-{variant}",
        "iptables",
        "restore",
        " && ".join(restore),
        f"{saves}; ipset save | sort",
        {"sets.ipset": "ipset save", **{f"rules.v{version}": f"{tool}-save" for tool, version in _pair(tools)}},
        "ipset -exist restore < sets.ipset",
    )


def _pair(tools: list[str]) -> list[tuple[str, str]]:
    return list(zip(tools, ("4", "6"), strict=True))


TEXT = "ruleset.nft"
TEXT_WAY = Way("nft text", "nft", "text", f"nft -f {TEXT}", _NFT_STATE, _NFT_LISTING)

WAYS = (
    TEXT_WAY,
    Way("nft JSON", "nft", "json", "nft -j -f ruleset.nft.json", _NFT_STATE, _NFT_LISTING),
    Way("libnftables", "nft", "json", '"$PYTHON" "$SHARED/load_json.py" ruleset.nft.json', _NFT_STATE, _NFT_LISTING),
    _iptables("nft"),
    _iptables("legacy"),
)


def differences(file: str, emitted: str, listed: str) -> tuple[str, ...]:
    """How a listing differs in meaning from the output file that it is to be compared with."""
    match file:
        case "ruleset.nft.json":
            return compare_nft.differences(emitted, listed)
        case "sets.ipset":
            return compare_ipsets.differences(emitted, listed)
        case _:
            return compare_iptables.differences(emitted, listed)
