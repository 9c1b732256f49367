"""POL05x: where results are written."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

OUTPUT_CODES: tuple[Code, ...] = (
    Code(
        "POL051",
        "cannot write the output",
        what="a directory or file for the output could not be made or replaced",
        why="the files that were there before are still there: nothing partly written is ever left",
        instead="another place for `-o`, or the permission that the message says is lacking",
    ),
    Code(
        "POL052",
        "the policy cannot be formatted",
        what="the policy holds tags, directives or a block text with `#` in it, or formatting would change its meaning",
        why="a formatter that guesses could change what a firewall does: the file is left as it was",
        instead="plain text in quotes where it says so; the policy compiles all the same",
    ),
)
