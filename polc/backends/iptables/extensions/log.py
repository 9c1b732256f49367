"""``-j LOG`` and, for a group, ``-j NFLOG`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, quote
from polc.ir.statements import Log, LogFlag, LogLevel

_LONGEST_NFLOG = 63  # xt_nflog_info.prefix holds 64 bytes
_LONGEST = 29  # xt_log_info.prefix holds 30 bytes, the last a zero
_FLAGS = {
    LogFlag.TCP_SEQUENCE: "--log-tcp-sequence",
    LogFlag.TCP_OPTIONS: "--log-tcp-options",
    LogFlag.IP_OPTIONS: "--log-ip-options",
    LogFlag.SKUID: "--log-uid",
    LogFlag.ETHER: "--log-macdecode",
}
"""In the order of libxt_LOG.c, LOG_save."""
_HIGHEST_THRESHOLD = 0xFFFF


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
        return _to_group(log)
    if log.snaplen is not None or log.queue_threshold is not None:
        raise Refused("log-group", "a line of the kernel log has no size and no queue", "name a group")
    prefix = f" --log-prefix {quote(log.prefix)}" if log.prefix else ""
    # Level 4 is the default, which iptables-save leaves out.
    level = "" if log.level is LogLevel.WARN else f" --log-level {log.level.value}"
    return f"-j LOG{prefix}{level}" + "".join(f" {option}" for flag, option in _FLAGS.items() if flag in log.flags)


def _to_group(log: Log) -> str:
    if log.flags:
        raise Refused("log-group", "what goes to a group has no flags: the whole packet goes there", "leave them out")
    if not 0 <= (log.queue_threshold or 0) <= _HIGHEST_THRESHOLD:
        raise Refused("log-group", f"a queue holds at most {_HIGHEST_THRESHOLD} packets")
    prefix = f" --nflog-prefix {quote(log.prefix)}" if log.prefix else ""
    # iptables-save leaves out the defaults: group 0, the group's own size, and no threshold.
    group = f" --nflog-group {log.group}" if log.group else ""
    size = "" if log.snaplen is None else f" --nflog-size {log.snaplen}"
    threshold = f" --nflog-threshold {log.queue_threshold}" if log.queue_threshold else ""
    return f"-j NFLOG{prefix}{group}{size}{threshold}"
