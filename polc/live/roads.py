"""All roads, by the names that the state directory has for them."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.live.host import Host
from polc.live.iptables_road import IptablesRoad
from polc.live.nft_road import NftRoad
from polc.live.road import Road

ROADS: dict[str, Road] = {road.name: road for road in (NftRoad(), IptablesRoad("nft"), IptablesRoad("legacy"))}


def road_of(name: str) -> Road:
    """Raises:
    Failure: POL622, there is none of that name: a newer polc wrote it.
    """
    if name not in ROADS:
        raise Failure.of("POL622", f"the history speaks of `{name}`, which this polc does not know")
    return ROADS[name]


VARIANTS = ("nft", "legacy")


def road_for(target: str, variant: str | None, host: Host) -> Road:
    """The road of a target; of iptables by its variant, or else (None) by what the host calls iptables.

    Raises:
        Failure: POL601, there is no iptables.
    """
    if target == "nft":
        return ROADS["nft"]
    if variant is None:
        variant = "nft" if "nf_tables" in host.run(["iptables", "-V"]) else "legacy"
    return ROADS[f"iptables-{variant}"]
