"""POL4xx: what a target cannot say."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

TARGET_CODES: tuple[Code, ...] = (
    Code(
        "POL401",
        "only approximate on this target",
        what="the target has no exact form of this rule; polc knows a named approximation, whose difference it states",
        why="a rule that behaves a little differently from what is written must be somebody's decision, "
        "never the compiler's",
        example="polc: 1\ninput:\n  default: accept\n  rules:\n"
        "    - drop tcp/22 state new hits 10 in 100s per source\n",
        instead="a clause that both targets have, such as `over 6/minute burst 10 per source`, or "
        "`--allow-approximate NAME` where the stated difference does not matter",
    ),
    Code(
        "POL402",
        "not expressible on this target",
        what="the target cannot say what this rule says, and there is no approximation worth having",
        why="leaving a match out widens the rule: a packet would be accepted or dropped that the policy does not name",
        instead="a rule in words that the target has; the message names the part that it lacks",
    ),
    Code(
        "POL403",
        "another name on this target",
        what="the target cannot spell the name of a chain or a set, so it has another one there, which rules name, too",
        why="nothing is lost; but whoever lists the table, or adds elements to the set, has to look for the new name",
        example="polc: 1\ninput:\n  default: accept\n  rules:\n    - jump dynamic from 192.0.2.0/24\n"
        "chains:\n  dynamic:\n    - drop tcp/22\n",
        instead="a name of ASCII letters, digits, `_`, `-`, `.` and `/` that begins with a letter, and is no word of "
        "the target's language",
    ),
)
