"""``-m hashlimit``: rates by key (net/netfilter/xt_hashlimit.c, revision 3; libxt_hashlimit.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.connlimit import key_part
from polc.importers.iptables.matches.limit import rate
from polc.importers.iptables.problem import WRONG_VALUE, Problem, wrong
from polc.importers.iptables.values import listed, number
from polc.ir.family import Family
from polc.ir.stateful import KeyField, KeyPart, Limit

_SCALE = 1_000_000
_HIGHEST_BURST = 1_000_000
_LONGEST_NAME = 255  # NAME_MAX
_MODES = {
    "srcip": (KeyField.SOURCE, "hashlimit-srcmask"),
    "srcport": (KeyField.SPORT, ""),
    "dstip": (KeyField.DESTINATION, "hashlimit-dstmask"),
    "dstport": (KeyField.DPORT, ""),
}
_BYTE_RATE = re.compile(r"[0-9]{1,10}[kmKM]?[bB](?:/s(?:ec(?:ond)?)?)?")
_BYTES = "hashlimit counts bytes in steps that hang on the rate, and nft one by one"
_RATES = "nft does not measure rates, it counts against them"
_SIZE = 65535
"""The kernel's own limit hangs on the host's memory; this is it from 1 GB on, within one."""


def _read(options: Options, context: Context) -> Meaning:
    limit = options.need("hashlimit-upto", "hashlimit-above", "hashlimit")
    name = options.need("hashlimit-name").word
    if not name.text or "/" in name.text or len(name.text) > _LONGEST_NAME:
        raise wrong(name, f"`{name.text}` is no name of a file below /proc/net/ipt_hashlimit")
    options.together("hashlimit-rate-interval", "hashlimit-rate-match")
    key = _key(options, context.family)
    size = number(given.word, 1, 0xFFFFFFFF) if (given := options.get("hashlimit-htable-max")) else _SIZE
    expire = number(given.word, 1, 0xFFFFFFFF) if (given := options.get("hashlimit-htable-expire")) else None
    for other in ("hashlimit-htable-size", "hashlimit-htable-gcinterval", "hashlimit-rate-interval"):
        if given := options.get(other):
            number(given.word, 1, 0xFFFFFFFF)
    burst = options.get("hashlimit-burst")
    if _BYTE_RATE.fullmatch(limit.word.text):
        return Meaning((options.opaque(_BYTES),))
    found = rate(limit.word, _SCALE)
    if "hashlimit-rate-match" in options:
        return Meaning((options.opaque(_RATES),))
    count = number(burst.word, 1, _HIGHEST_BURST, "burst") if burst else 5
    over = (limit.option.name == "hashlimit-above") is not limit.negated
    idle = found.unit.value * 1000 if expire is None else expire
    if idle * found.count < count * found.unit.value * 1000:
        reason = (
            f"it forgets a key that is idle for {idle / 1000:g} s, which is before its bucket would be full again: "
            "nft remembers it until then"
        )
        # iptables-save prints the burst, whatever it is.
        rated = f"{limit.option.shown} {limit.word.text}"
        words = options.text() if burst else options.text().replace(rated, f"{rated} --hashlimit-burst {count}")
        return Meaning((options.opaque(reason, words),))
    return Meaning((Limit(found, count, over, key, name.text, size),))


def _key(options: Options, family: Family) -> tuple[KeyPart, ...]:
    given = options.get("hashlimit-mode")
    fields: dict[str, KeyPart] = {}
    masks = {}
    for name in ("hashlimit-srcmask", "hashlimit-dstmask"):
        if mask := options.get(name):
            masks[name] = number(mask.word, 0, family.bits, "prefix length")
    for one in listed(given.word) if given else ():
        if one.text not in _MODES:
            raise Problem(WRONG_VALUE, f"`{one.text}` is no mode of hashlimit", one.at, help="one of " + _listed())
        field, mask_option = _MODES[one.text]
        fields[one.text] = key_part(field, family, masks.get(mask_option, family.bits))
    return tuple(fields[name] for name in _MODES if name in fields)


def _listed() -> str:
    return ", ".join(f"`{name}`" for name in _MODES)


MATCH = MatchExtension(
    "hashlimit",
    (
        Option("hashlimit", negatable=True),
        Option("hashlimit-upto", negatable=True),
        Option("hashlimit-above", negatable=True),
        *(
            Option(f"hashlimit-{name}")
            for name in (
                *("burst", "mode", "srcmask", "dstmask", "name", "htable-size", "htable-max", "htable-expire"),
                *("htable-gcinterval", "rate-interval"),
            )
        ),
        Option("hashlimit-rate-match", takes=0),
    ),
    read=_read,
)
