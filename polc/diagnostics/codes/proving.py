"""POL07x: assertions."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

PROVING_CODES: tuple[Code, ...] = (
    Code(
        "POL070",
        "an assertion that cannot be read",
        what="`host` stands in a list or behind `not` in an assertion, a port stands behind an address and a service "
        "beside it, or the verdict is one that packets on that way cannot meet",
        why="an assertion that is not understood proves nothing",
        instead="`never accept ssh from wan to host`, `@admins reaches host:443`",
    ),
)
