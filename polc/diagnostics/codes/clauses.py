"""POL1xx and POL2xx of single clauses: log lines."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code


def _rule(rule: str) -> str:
    """A policy with one rule."""
    return f"polc: 1\ninput:\n  default: drop\n  rules:\n    - {rule}\n"


CLAUSE_CODES: tuple[Code, ...] = (
    Code(
        "POL120",
        "not a log prefix",
        what="the text of `log` is longer than the kernel keeps, or has control characters",
        why="the kernel would cut it, or log lines could be forged with it",
        example=_rule(f'drop log "{"x" * 128}"'),
        instead="at most 127 bytes; at most 29 where iptables is a target",
    ),
    Code(
        "POL231",
        "an unknown log level",
        what="`level` names a level that syslog does not have",
        why="the lines would be logged at another level, or not be shown",
        example=_rule('drop log "in-drop" level loud'),
        instead="`emerg`, `alert`, `crit`, `err`, `warn`, `notice`, `info` or `debug`",
    ),
)
