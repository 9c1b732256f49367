"""``-j CT`` (iptables-extensions(8), CT): helpers and zones of flows that begin, in table raw only.

The first one that a packet meets decides, as on nft (net/netfilter/xt_CT.c, xt_ct_target; nft_ct.c,
nft_ct_set_zone_eval): so what goes together stands in one.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, made_of
from polc.ir.statements import AssignHelper, AssignZone, CtDirection

_LONGEST = 15  # xt_ct_target_info_v1.helper holds 16 bytes, the last a zero
_MARKS = "-_."
"""What names of the kernel's helpers have besides letters and digits (`netbios-ns`, `Q.931`)."""


_ZONES = {None: "--zone", CtDirection.ORIGINAL: "--zone-orig", CtDirection.REPLY: "--zone-reply"}


def target(helper: AssignHelper | None, zone: AssignZone | None = None) -> str:
    """What assigns a helper, a zone, or both. Zone 0 is the one that packets are in anyway, and has no words."""
    words = ["-j CT"]
    if helper is not None:
        if not (0 < len(helper.helper) <= _LONGEST and made_of(helper.helper, _MARKS)):
            raise Refused("helper-name", f"`{helper.helper}` is no name of a conntrack helper")
        words.append(f"--helper {helper.helper}")
    if zone is not None and zone.zone:
        words.append(f"{_ZONES[zone.direction]} {zone.zone}")
    return " ".join(words)
