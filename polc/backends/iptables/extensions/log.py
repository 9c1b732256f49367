"""``-j LOG`` (iptables-extensions(8), LOG)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, quote
from polc.ir.statements import Log, LogLevel

_LONGEST = 29  # xt_log_info.prefix holds 30 bytes, the last a zero


def target(log: Log) -> str:
    size = len(log.prefix.encode())
    if size > _LONGEST:
        raise Refused(
            "log-prefix",
            f"a log prefix holds {_LONGEST} bytes, and `{log.prefix}` has {size}",
            f"shorten it to {_LONGEST} bytes",
        )
    if not log.prefix.isprintable():
        raise Refused("log-prefix", "a log prefix cannot hold control characters")
    prefix = f" --log-prefix {quote(log.prefix)}" if log.prefix else ""
    # Level 4 is the default, which iptables-save leaves out.
    level = "" if log.level is LogLevel.WARN else f" --log-level {log.level.value}"
    return f"-j LOG{prefix}{level}"
