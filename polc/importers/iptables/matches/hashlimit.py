"""``-m hashlimit``: rates by key (net/netfilter/xt_hashlimit.c, revision 3; libxt_hashlimit.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.connlimit import key_part
from polc.importers.iptables.matches.limit import rate
from polc.importers.iptables.problem import WRONG_VALUE, Problem, Word, wrong
from polc.importers.iptables.values import listed, number
from polc.ir.family import Family
from polc.ir.matches import Nearest, OpaqueMatch
from polc.ir.stateful import Amount, KeyField, KeyPart, Limit, Rate, Unit

_SCALE = 1_000_000
_HIGHEST_BURST = 1_000_000
_LONGEST_NAME = 255  # NAME_MAX
_MODES = {
    "srcip": (KeyField.SOURCE, "hashlimit-srcmask"),
    "srcport": (KeyField.SPORT, ""),
    "dstip": (KeyField.DESTINATION, "hashlimit-dstmask"),
    "dstport": (KeyField.DPORT, ""),
}
_BYTE_RATE = re.compile(r"[0-9]{1,10}[km]?b/s(?:ec(?:ond)?)?")
_BYTES_WORD = re.compile(r"([0-9]{1,10})([km]?)(?:b(?:/s(?:ec(?:ond)?)?)?)?")
_STEP = 16  # XT_HASHLIMIT_BYTE_SHIFT
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
    over = (limit.option.name == "hashlimit-above") is not limit.negated
    if _BYTE_RATE.fullmatch(limit.word.text) and "hashlimit-rate-match" not in options:
        return Meaning((_bytes(options, limit.word, burst, over, key, size),))
    if "hashlimit-rate-match" in options:
        return Meaning((options.opaque(_RATES, _as_listed(options)),))
    found = rate(limit.word, _SCALE)
    count = number(burst.word, 1, _HIGHEST_BURST, "burst") if burst else 5
    idle = found.unit.value * 1000 if expire is None else expire
    if idle * found.count < count * found.unit.value * 1000:
        reason = (
            f"it forgets a key that is idle for {idle / 1000:g} s, which is before its bucket would be full again: "
            "nft remembers it until then"
        )
        near = Nearest(
            (Limit(found, count, over, key, name.text, size),),
            "hashlimit-memory",
            f"hashlimit forgets a key that is idle for {idle / 1000:g} s, and its bucket is full then; nft fills "
            f"the bucket on at the same rate until it is full, {count * found.unit.value / found.count:g} s after it "
            "was empty",
        )
        # iptables-save prints the burst, whatever it is.
        rated = f"{limit.option.shown} {limit.word.text}"
        listed_words = _as_listed(options)
        words = listed_words if burst else listed_words.replace(rated, f"{rated} --hashlimit-burst {count}")
        return Meaning((options.opaque(reason, words, nearest=near),))
    return Meaning((Limit(found, count, over, key, name.text, size),))


def _bytes(
    options: Options, word: Word, given: Given | None, over: bool, key: tuple[KeyPart, ...], size: int
) -> OpaqueMatch:
    """A rate in bytes (net/netfilter/xt_hashlimit.c, user2rate_bytes and rateinfo_recalc; libxt_hashlimit.c)."""
    rate_bytes = _byte_count(word)
    burst = _byte_count(given.word) if given else 0
    if given and burst < rate_bytes:
        raise wrong(given.word, f"the burst is less than the {rate_bytes} bytes of a second")
    name = options.need("hashlimit-name").word.text
    more = -(-burst // rate_bytes)
    near = (
        None
        if rate_bytes < _STEP
        else Nearest(
            (Limit(Rate(rate_bytes, Unit.SECOND, Amount.BYTES), rate_bytes * (1 + more), over, key, name, size),),
            "hashlimit-bytes",
            "hashlimit counts bytes in steps of 16 or more, and what the burst adds it gives to a key "
            "only once, until the key has been idle; nft counts single bytes, and fills the whole bucket evenly at "
            f"{rate_bytes} bytes a second",
        )
    )
    return options.opaque(_BYTES, _as_listed(options), nearest=near)


def _as_listed(options: Options) -> str:
    """Its words in the order in which iptables-save lists them, which means nothing (libxt_hashlimit.c)."""
    order = {name: number for number, name in enumerate(_LISTED)}
    return options.written(sorted(options.given, key=lambda one: order.get(one.option.name, -1)))


_LISTED = tuple(
    f"hashlimit-{name}"
    for name in (
        *("burst", "mode", "name", "htable-size", "htable-max", "htable-gcinterval", "htable-expire", "srcmask"),
        *("dstmask", "rate-match", "rate-interval"),
    )
)


def _byte_count(word: Word) -> int:
    """Bytes, as in `512kb/s`; 1..4294967295.

    Raises:
        Problem: it is none, or beyond that.
    """
    found = _BYTES_WORD.fullmatch(word.text)
    if found is None:
        raise wrong(word, f"`{word.text}` is no number of bytes", help="as in `512kb`")
    count = int(found[1]) * {"": 1, "k": 1024, "m": 1024**2}[found[2]]
    if not 1 <= count <= 0xFFFFFFFF:
        raise wrong(word, f"`{word.text}` is no number of bytes below 4 GB")
    return count


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
    listed=_as_listed,
)
