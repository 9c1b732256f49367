"""``-j LOG``: a line in the kernel's log (net/netfilter/xt_LOG.c, libxt_LOG.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import Word, wrong
from polc.ir.statements import Log, LogFlag, LogLevel

_LONGEST = 29
_LEVELS = {
    **{one.name.lower(): one for one in LogLevel},
    "panic": LogLevel.EMERG,
    "error": LogLevel.ERR,
    "warning": LogLevel.WARN,
}
_FLAGS = {
    "log-tcp-sequence": LogFlag.TCP_SEQUENCE,
    "log-tcp-options": LogFlag.TCP_OPTIONS,
    "log-ip-options": LogFlag.IP_OPTIONS,
    "log-uid": LogFlag.SKUID,
    "log-macdecode": LogFlag.ETHER,
}


def shortened(text: str, longest: int) -> str:
    """What of a prefix the kernel has room for: the tools cut it off."""
    return text.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")


def _level(word: Word) -> LogLevel:
    text = word.text.lower()
    found = LogLevel(int(text)) if len(text) == 1 and text in "01234567" else _LEVELS.get(text)
    if found is None:
        raise wrong(word, f"`{word.text}` is no level", help=did_you_mean(text, _LEVELS) or "as in `4` or `warning`")
    return found


def _read(options: Options, _context: Context) -> Action:
    prefix, level = options.get("log-prefix"), options.get("log-level")
    if prefix and not prefix.word.text.isprintable():
        raise wrong(prefix.word, "a prefix cannot hold control characters")
    return Action(
        (
            Log(
                shortened(prefix.word.text, _LONGEST) if prefix else "",
                _level(level.word) if level else LogLevel.WARN,
                flags=frozenset(_FLAGS[one.option.name] for one in options if one.option.name in _FLAGS),
            ),
        )
    )


TARGET = TargetExtension(
    "LOG",
    (Option("log-prefix", text=True), Option("log-level"), *(Option(name, takes=0) for name in _FLAGS)),
    read=_read,
)
