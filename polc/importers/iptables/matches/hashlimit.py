"""``-m hashlimit``: rates by key (net/netfilter/xt_hashlimit.c, revision 3; libxt_hashlimit.c)."""

from __future__ import annotations

from polc.importers.iptables import byte_rates
from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.matches.connlimit import key_part
from polc.importers.iptables.matches.limit import rate, written_unit
from polc.importers.iptables.problem import WRONG_VALUE, Problem, Word, wrong
from polc.importers.iptables.saved import decimal, names
from polc.importers.iptables.values import integer, listed, number
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
_BYTES = "hashlimit counts bytes in steps that hang on the rate, and nft one by one"
_RATES = "nft does not measure rates, it counts against them"
_MASKS = ("hashlimit-srcmask", "hashlimit-dstmask")
_LIMITS = ("hashlimit-upto", "hashlimit-above", "hashlimit")
_COUNT = 5  # XT_HASHLIMIT_BURST
_INTERVAL = 1000  # XT_HASHLIMIT_GCINTERVAL
_BYTES_IDLE = 15  # XT_HASHLIMIT_BYTE_EXPIRE
_BYTES_IDLE_WITH_BURST = 60  # XT_HASHLIMIT_BYTE_EXPIRE_BURST
_UNITS = {Unit.DAY: "day", Unit.HOUR: "hour", Unit.MINUTE: "min", Unit.SECOND: "sec"}
_SIZE = 65535
"""The kernel's own limit hangs on the host's memory; this is it from 1 GB on, within one."""


def _read(options: Options, context: Context) -> Meaning:
    limit = options.need(*_LIMITS)
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
    if byte_rates.RATE.fullmatch(limit.word.text) and "hashlimit-rate-match" not in options:
        return Meaning((_bytes(options, limit.word, burst, over, key, size),))
    if "hashlimit-rate-match" in options:
        return Meaning((options.opaque(_RATES),))
    found = rate(limit.word, _SCALE)
    count = number(burst.word, 1, _HIGHEST_BURST, "burst") if burst else _COUNT
    idle = _idle(limit.word, burst=bool(burst)) if expire is None else expire
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
        return Meaning((options.opaque(reason, nearest=near),))
    return Meaning((Limit(found, count, over, key, name.text, size),))


def _bytes(
    options: Options, word: Word, given: Given | None, over: bool, key: tuple[KeyPart, ...], size: int
) -> OpaqueMatch:
    """A rate in bytes (net/netfilter/xt_hashlimit.c, user2rate_bytes and rateinfo_recalc; libxt_hashlimit.c)."""
    rate_bytes = byte_rates.byte_count(word)
    burst = byte_rates.byte_count(given.word) if given else 0
    if given and burst < rate_bytes:
        raise wrong(given.word, f"the burst is less than the {rate_bytes} bytes of a second")
    name = options.need("hashlimit-name").word.text
    more = -(-burst // rate_bytes)
    near = (
        None
        if rate_bytes < byte_rates.STEP
        else Nearest(
            (Limit(Rate(rate_bytes, Unit.SECOND, Amount.BYTES), rate_bytes * (1 + more), over, key, name, size),),
            "hashlimit-bytes",
            "hashlimit counts bytes in steps of 16 or more, and what the burst adds it gives to a key "
            "only once, until the key has been idle; nft counts single bytes, and fills the whole bucket evenly at "
            f"{rate_bytes} bytes a second",
        )
    )
    return options.opaque(_BYTES, nearest=near)


def _key(options: Options, family: Family) -> tuple[KeyPart, ...]:
    given = options.get("hashlimit-mode")
    fields: dict[str, KeyPart] = {}
    masks = {}
    for name in _MASKS:
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


def _idle(word: Word, *, burst: bool) -> int:
    """After how many milliseconds a key is forgotten, where that is not said: the unit in which the rate was written
    (libxt_hashlimit.c, hashlimit_mt_check).
    """
    if byte_rates.RATE.fullmatch(word.text):
        return (_BYTES_IDLE_WITH_BURST if burst else _BYTES_IDLE) * 1000
    return (written_unit(word) or Unit.SECOND).value * 1000


def _complete(options: Options) -> tuple[Given, ...]:
    """The rate as it is listed, the burst, the time after which a key is forgotten where it is not that of the rate's
    unit, and masks of less than whole addresses (libxt_hashlimit.c, hashlimit_mt_save).
    """
    limit = options.need(*_LIMITS)
    measured = "hashlimit-rate-match" in options
    burst = options.get("hashlimit-burst")
    rate_text, burst_text = _rate_and_burst(limit.word, burst, measured)
    expire = options.get("hashlimit-htable-expire")
    idle = number(expire.word, 1, 0xFFFFFFFF) if expire else _idle(limit.word, burst=bool(burst))
    listed_limit = Word(rate_text, limit.word.at)
    own = {limit.option: listed_limit}
    if burst_text:
        own[_BURST] = Word(burst_text, limit.at)
    if idle != _idle(listed_limit, burst=bool(burst)):
        own[_EXPIRE] = Word(str(idle), limit.at)
    unit = written_unit(limit.word)
    if measured and unit and unit is not Unit.SECOND and _EVERY.name not in options:
        own[_EVERY] = Word(str(unit.value), limit.at)
    given = (Given(option, option is limit.option and limit.negated, (word,), limit.at) for option, word in own.items())
    whole = [one for name in _MASKS if (one := options.get(name)) and integer(one.word.text) == options.family.bits]
    return (*given, *(one for one in options if one.option not in own and one is not expire and one not in whole))


def _rate_and_burst(limit: Word, burst: Given | None, measured: bool) -> tuple[str, str]:
    """``measured``: the rate is a number, and its unit the time in which it is counted."""
    if byte_rates.RATE.fullmatch(limit.text):
        return byte_rates.as_saved(limit, burst.word if burst else None)
    found = rate(limit, _SCALE)
    count = number(burst.word, 1, _HIGHEST_BURST, "burst") if burst else _COUNT
    if measured:
        found = Rate(int(limit.text.partition("/")[0]), Unit.SECOND)
    return f"{found.count}/{_UNITS[found.unit]}", str(count)


def _limit_as_saved(given: Given) -> Written:
    """Over the limit, or not; none is negated."""
    over = (given.option.name == "hashlimit-above") is not given.negated
    return Written("hashlimit-above" if over else "hashlimit-upto", (given.word.text,))


def _interval_as_saved(given: Given) -> Written | None:
    """The usual one is not said."""
    value = number(given.word, 1, 0xFFFFFFFF)
    return None if value == _INTERVAL else Written(given.option.name, (str(value),))


_BURST = Option("hashlimit-burst")
_EXPIRE = Option("hashlimit-htable-expire")
_EVERY = Option("hashlimit-rate-interval", saved=decimal)

MATCH = MatchExtension(
    "hashlimit",
    (
        *(Option(name, negatable=True, saved=_limit_as_saved) for name in _LIMITS),
        _BURST,
        Option("hashlimit-mode", saved=names(_MODES)),
        Option("hashlimit-name"),
        Option("hashlimit-htable-size", saved=decimal),
        Option("hashlimit-htable-max", saved=decimal),
        Option("hashlimit-htable-gcinterval", saved=_interval_as_saved),
        _EXPIRE,
        *(Option(name, saved=decimal) for name in _MASKS),
        Option("hashlimit-rate-match", takes=0),
        _EVERY,
    ),
    complete=_complete,
    read=_read,
)
