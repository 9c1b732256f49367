"""``-j LOG`` and, for a group, ``-j NFLOG`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, quote
from polc.ir.statements import Log, LogLevel

_LONGEST_NFLOG = 63  # xt_nflog_info.prefix holds 64 bytes
_LONGEST = 29  # xt_log_info.prefix holds 30 bytes, the last a zero


def target(log: Log) -> str:
    size = len(log.prefix.encode())
    longest = _LONGEST if log.group is None else _LONGEST_NFLOG
    if size > longest:
        raise Refused(
            "log-prefix",
            f"a log prefix holds {longest} bytes, and `{log.prefix}` has {size}",
            f"shorten it to {longest} bytes",
        )
    if not log.prefix.isprintable():
        raise Refused("log-prefix", "a log prefix cannot hold control characters")
    if log.group is not None:
        prefix = f" --nflog-prefix {quote(log.prefix)}" if log.prefix else ""
        # Group 0 is the default, which iptables-save leaves out.
        return f"-j NFLOG{prefix}" + (f" --nflog-group {log.group}" if log.group else "")
    prefix = f" --log-prefix {quote(log.prefix)}" if log.prefix else ""
    # Level 4 is the default, which iptables-save leaves out.
    level = "" if log.level is LogLevel.WARN else f" --log-level {log.level.value}"
    return f"-j LOG{prefix}{level}"
