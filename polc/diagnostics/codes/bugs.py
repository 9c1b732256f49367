"""POL9xx: faults of polc itself."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

BUG_CODES: tuple[Code, ...] = (
    Code(
        "POL901",
        "a bug in polc",
        what="polc met a situation that its authors did not think of, and stopped before it wrote or loaded anything",
        why="going on from a state that nobody understands could give a firewall that nobody meant",
        instead="report it, with the output of the same command under `POLC_DEBUG=1`",
    ),
    Code(
        "POL902",
        "an answer that the simulator does not confirm",
        what="polc found a packet that shows something, and its simulator, which is made apart from that, says of it "
        "something else",
        why="one of the two is wrong, so neither is told as an answer",
        instead="report it, with the policy and the words of the message",
    ),
)
