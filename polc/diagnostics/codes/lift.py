"""POL54x: rulesets as policies."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

LIFT_CODES: tuple[Code, ...] = (
    Code(
        "POL540",
        "what no policy can say",
        what="a rule, a chain or a set of an imported ruleset has no words in the policy language, nor a place there",
        why="a policy without it would be another firewall, so there is none",
        example="*filter\n-A INPUT -i eth0:1 -j ACCEPT\nCOMMIT\n",
        instead="the ruleset as it is on the target that it came from, or without what the message names",
    ),
    Code(
        "POL541",
        "what a policy says otherwise",
        what="a rule that no packet can meet is left out, a set that nothing changes stands in the policy with what it "
        "holds, or a name is another one",
        why="packets meet the same, and somebody who looks at the host sees something else",
        example="*filter\n:reject - [0:0]\n-A INPUT -j reject\nCOMMIT\n",
        instead="nothing, where that is no matter",
    ),
)
