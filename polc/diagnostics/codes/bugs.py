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
        "the simulator does not confirm an answer",
        what="a packet that was found for an answer about all packets is treated otherwise when it is sent through the "
        "simulator",
        why="one of the two is wrong about the kernel: nothing is told that they do not agree on",
        instead="report it, with the firewalls that were compared; `polc simulate` shows the packet's way",
    ),
)
