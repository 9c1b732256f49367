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
        what="a rule that no packet can meet or by which nothing happens is left out, as are chains of such; a set "
        "that nothing changes stands in the policy with what it holds, or a name is another one",
        why="packets meet the same, and somebody who looks at the host sees something else",
        example="*filter\n:reject - [0:0]\n-A INPUT -j reject\n-A reject -j DROP\nCOMMIT\n",
        instead="nothing, where that is no matter",
    ),
    Code(
        "POL542",
        "words of a target in a policy",
        what="a rule of an imported ruleset asks or does what the policy language has no words for, so the policy has "
        "it in the words of the tool that it came from (`native`)",
        why="the policy does the same on that target alone, and nothing here looks into such a rule",
        example="*filter\n-A INPUT -m string --string x --algo bm -j DROP\nCOMMIT\n",
        instead="nothing, where the policy is for that target; else what the rule is for, in words of the language",
    ),
    Code(
        "POL543",
        "tables that cannot be one",
        what="several tables of nft would be in the same file of iptables, and cannot be one table: one of them has "
        "objects in nft's own words, or flowtables",
        why="iptables has each of its tables once, and the file that is loaded last would replace the others",
        example='{"nftables": [{"add": {"table": {"family": "ip", "name": "a"}}}, '
        '{"add": {"table": {"family": "ip", "name": "b"}}}, '
        '{"add": {"flowtable": {"family": "ip", "table": "a", "name": "f", "hook": "ingress", "prio": 0, '
        '"dev": ["lo"]}}}]}\n',
        instead="each table by itself, and the results put together by hand",
    ),
)
