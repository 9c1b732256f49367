"""``-m connlimit``: connections at a time (net/netfilter/xt_connlimit.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.stateful import Connections, KeyField, KeyPart


def _read(options: Options, context: Context) -> Meaning:
    limit = options.need("connlimit-upto", "connlimit-above")
    count = number(limit.word, 0, 0xFFFFFFFF, "number of connections")
    side = options.among("connlimit-saddr", "connlimit-daddr")
    mask = options.get("connlimit-mask")
    length = number(mask.word, 0, context.family.bits, "prefix length") if mask else context.family.bits
    field = KeyField.DESTINATION if side and side.option.name == "connlimit-daddr" else KeyField.SOURCE
    # All addresses in one: that is no key.
    key = () if length == 0 else (key_part(field, context.family, length),)
    over = (limit.option.name == "connlimit-above") is not limit.negated
    return Meaning((Connections(count, over, key, ""),))


def key_part(field: KeyField, family: Family, length: int) -> KeyPart:
    """An address under a mask of this family."""
    return KeyPart(field, ip_length=length) if family is Family.IP else KeyPart(field, ip6_length=length)


MATCH = MatchExtension(
    "connlimit",
    (
        Option("connlimit-upto", negatable=True),
        Option("connlimit-above", negatable=True),
        Option("connlimit-mask"),
        Option("connlimit-saddr", takes=0),
        Option("connlimit-daddr", takes=0),
    ),
    read=_read,
)
