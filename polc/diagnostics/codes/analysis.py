"""POL3xx: well-formed, and probably not what was meant."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

_TESTED = "tests:\n  - VERDICT tcp 198.51.100.9 -> host:22 in eth0\n"


def _input(*rules: str, head: str = "", tail: str = "") -> str:
    """A policy whose input is closed, and complete but for what the rules lack."""
    return f"polc: 1\n{head}input:\n  default: drop\n  rules:\n" + "".join(f"    - {rule}\n" for rule in rules) + tail


_ALL = ("use stateful", "use loopback", "use icmp-essentials", "accept ssh state new")

ANALYSIS_CODES: tuple[Code, ...] = (
    Code(
        "POL301",
        "a limit that counts established connections",
        what="a rule drops what exceeds `over` or `hits`, and packets of established connections reach it",
        why="a limit on connection attempts should count attempts. Without `state new` it counts packets: each key "
        "typed into an SSH session is one, and so is each answer's acknowledgement. The session that was let in is "
        "cut off as soon as it has sent as many packets as the limit allows attempts, while a slow guesser stays "
        "under it. NEW is conntrack's word for a packet of a flow of which no reply has been seen: a first SYN, and "
        "its retransmissions. One reply makes the flow ESTABLISHED, whose packets `state new` leaves uncounted",
        example=_input("drop ssh over 10/minute burst 10 per source", *_ALL),
        instead="`drop ssh state new over 10/minute burst 10 per source`, or the same rule below `use stateful`",
    ),
    Code(
        "POL302",
        "replies are not accepted",
        what="a chain drops what no rule accepts, and no rule accepts established connections",
        why="answers to the host's own connections come in like any other packet: without such a rule no name is "
        "resolved and no update is fetched",
        example=_input("use loopback", "use icmp-essentials", "accept ssh"),
        instead="`use stateful` as the first rule",
    ),
    Code(
        "POL303",
        "the loopback interface is cut off",
        what="a chain drops what no rule accepts, and no rule accepts the loopback interface",
        why="programs of a host talk to each other over it: resolvers, databases, monitoring",
        example=_input("use stateful", "use icmp-essentials", "accept ssh state new"),
        instead="`use loopback`",
    ),
    Code(
        "POL304",
        "IPv6 is cut off",
        what="a chain drops what no rule accepts, and neighbour discovery or packet-too-big is among it",
        why="IPv6 finds its neighbours by ICMPv6 (RFC 4861): without it a host cannot be reached at all, often only "
        "minutes after the rules were loaded. No router fragments IPv6: without packet-too-big large packets vanish",
        example=_input("use stateful", "use loopback", "accept ssh state new"),
        instead="`use icmp-essentials`",
    ),
    Code(
        "POL305",
        "rules that are never reached",
        what="a rule without any condition decides every packet, or leads it away by `goto` or `return`, and rules "
        "follow it",
        why="they look as if they did something",
        example=_input("accept", "drop tcp/23", *_ALL),
        instead="the rule that takes everything last, or as the chain's `default`",
    ),
    Code(
        "POL306",
        "no way in over SSH",
        what="input drops what no rule accepts, and no rule accepts new connections to tcp/22, or to the service that "
        "`settings: {management: ...}` names; or one drops them from everywhere before another accepts them",
        why="loaded over SSH, such a policy ends the last session that could repair it",
        example=_input("use stateful", "use loopback", "use icmp-essentials", "accept https state new"),
        instead="`accept ssh from @admins state new`, the setting `management` if the host is managed by another "
        "service, or a suppression that says how else it is",
    ),
    Code(
        "POL307",
        "related without a helper",
        what="a rule accepts `related`, and no rule of the policy attaches a conntrack helper",
        why="second connections, such as active FTP's, are related only to a flow that has a helper, and since "
        "Linux 6.0 none is attached by itself. What the rule admits is ICMP errors about known flows",
        example=_input("accept state related", *_ALL),
        instead="a service with `helper:`, or `use stateful` if ICMP errors are what is meant",
    ),
    Code(
        "POL308",
        "a limit that fails open when its table is full",
        what="a rule drops what exceeds a limit per source, from sources without bound",
        why="the table of sources has a size. On nft the rule does not match for a source that finds no place in it: "
        "a flood from more sources passes. On iptables hashlimit drops them instead, friends included",
        example=_input("use stateful", "drop ssh state new over 10/minute per source", *_ALL[1:]),
        instead="a shorter key such as `per source/24,/64`, and an `accept ... limit` without `per` behind it",
    ),
    Code(
        "POL309",
        "a name that nothing uses",
        what="a zone, address group, service, macro or chain is defined in the policy's own file, and no chain that "
        "packets come to names it, itself or through other names. Names of included files are not told, because "
        "other policies may use them. A group that rules only add to is not used either",
        why="who defines `banned` expects it to do something: a definition without use is a rule forgotten, or a name "
        "mistyped in one",
        example=_input(*_ALL, head="addresses: {admins: 192.0.2.0/24}\n"),
        instead="the name in the rule that was meant, or no definition",
    ),
    Code(
        "POL310",
        "bans without an end",
        what="a rule with `ban` adds addresses to a dynamic group that has no `timeout`",
        why="nothing takes them out again: addresses change their owners, and in the end the group is full",
        example=_input(
            "use stateful",
            "drop from @banned",
            "drop tcp/23 ban @banned",
            *_ALL[1:],
            head="addresses: {banned: {dynamic: true, size: 65535}}\n",
        ),
        instead="`banned: {dynamic: true, timeout: 1h, size: 65535}`",
    ),
    Code(
        "POL311",
        "a group of unsaid size that rules fill",
        what="a rule with `ban` adds addresses to a dynamic group that has no `size`, which is 65535 of each family "
        "then",
        why="a group that is full takes no address more. On nft the rule that would add one does not match then, and "
        "its verdict is not followed; on iptables the verdict is, and the address is not added. An attacker with many "
        "addresses can fill any group, so its size is a decision",
        example=_input(
            "use stateful",
            "drop from @banned",
            "drop tcp/23 ban @banned",
            *_ALL[1:],
            head="addresses: {banned: {dynamic: true, timeout: 1h}}\n",
        ),
        instead="a `size`; and below the rule with `ban` one that drops the same packets without it",
    ),
    Code(
        "POL312",
        "a log without a limit",
        what="a rule logs each packet that it matches, and nothing limits how many those are",
        why="who can send packets can fill the log: its disk, or the lines that matter among the others",
        example=_input(*_ALL, "'log \"in: \"'"),
        instead='`log "in: " at 5/minute`, whose rate holds for the lines alone, or `limit` in a rule that only logs',
    ),
    Code(
        "POL313",
        "a helper that is attached to nothing",
        what="a service has a `helper`, and no rule that accepts names the service",
        why="the helper is attached to the flows that a rule accepts by the service's name. Where it is only dropped, "
        "or accepted by its port, second connections are not related to it",
        example=_input(
            *_ALL,
            "drop files from 192.0.2.0/24",
            "accept tcp/21",
            head="services: {files: {ports: tcp/21, helper: ftp}}\n",
        ),
        instead="`accept files` in place of `accept tcp/21`",
    ),
    Code(
        "POL314",
        "a list without rules",
        what="a chain or macro is defined with an empty list",
        why="what leads there looks as if it did something",
        example=_input(*_ALL, "jump guard", head="chains: {guard: []}\n"),
        instead="its rules, or no such name",
    ),
    Code(
        "POL320",
        "a shadowed rule",
        what="rules before this one decide every packet that it asks for: one of them, or several together. Worked out "
        "over all packets, so it is never wrong; packets are those of both families that the kernel can have there",
        why="it looks as if it did something. Often it is an exception that stands below the rule that it is one of",
        example=_input("drop tcp/1-1024 from 192.0.2.0/24", "accept tcp/80 from 192.0.2.7", *_ALL),
        instead="the exception above the rule, or no such rule",
    ),
    Code(
        "POL321",
        "a rule that no packet can meet",
        what="what a rule asks for never comes together in a packet, or never in one that the rules which lead to its "
        "chain send there",
        why="it does nothing, and was written to do something",
        example=_input("drop tcp/80 where tcp flags == syn and tcp flags == ack", *_ALL),
        instead="what was meant",
    ),
    Code(
        "POL322",
        "a redundant rule",
        what="without the rule every packet has the same verdict, NAT and effects, because what follows does the same",
        why="it is one more to read, and changing it seems to change something. It may well be kept for its readers",
        example=_input(*_ALL, "accept tcp/8080 from 192.0.2.0/24 state new", "accept tcp/8000-8100 state new"),
        instead="no such rule, or a suppression",
    ),
    Code(
        "POL323",
        "a chain to which no packet comes",
        what="rules lead to a chain, and no packet meets any of them",
        why="none of its rules does anything",
        example="chains:\n  web: [accept tcp/80]\n"
        + _input("drop tcp/1-1024 from 192.0.2.0/24", "jump web tcp/80 from 192.0.2.7", *_ALL),
        instead="the jump above the rules that take its packets, or neither chain nor jump",
    ),
    Code(
        "POL324",
        "rules whose order decides",
        what="two rules of different verdicts have packets in common, and each has others too: neither is an exception "
        "to the other. Told only where it is asked for: `--select POL324`",
        why="which of the two comes first decides about what they have in common, and nothing says that it was meant",
        example=_input("accept tcp/1-1024 from 192.0.2.0/24", "drop tcp/80", *_ALL),
        instead="nothing, if the order is meant; else narrower rules",
    ),
    Code(
        "POL325",
        "a member that never matters",
        what="no packet from (or to) a member of an address group, or with an element of a set, comes to a rule that "
        "asks for it: rules above those have taken all of them. Of sets that rules fill it is what they begin with",
        why="the list looks as if it said something about the address, and another rule has decided",
        example=_input(
            "drop from 192.0.2.0/24",
            "accept ssh from @admins",
            *_ALL,
            head="addresses: {admins: [192.0.2.7, 198.51.100.7]}\n",
        ),
        instead="the rule that names the list above the one that takes its packets, or a list without the member",
    ),
    Code(
        "POL326",
        "an accept that no test covers",
        what="a policy has tests, and none of them sends a packet that meets this rule, which accepts. The "
        "rules of built-in macros are not asked for",
        why="what lets packets in is what should be seen to do so, and to stop where it should",
        example=_input(*_ALL, "accept tcp/443 state new", tail=_TESTED.replace("VERDICT", "accept")),
        instead="a test that sends such a packet; `polc test --coverage` lists all rules that none reaches",
    ),
    Code(
        "POL327",
        "essential packets cut off",
        what="not one packet of a kind that hosts cannot do without gets through a chain that lets others through: "
        "established TCP, IPv6's neighbour discovery (with the hop limit 255 that it has), `packet-too-big` and "
        "`frag-needed` of known flows. Worked out over all packets; POL302 and POL304 look at words alone, and where "
        "they have spoken nothing is added",
        why="connections stall after their first packets, or once a link of theirs is smaller",
        example=_input("drop icmpv6", *_ALL),
        instead="`use stateful` and `use icmp-essentials` above the rule that takes them",
    ),
    Code(
        "POL328",
        "a test that the policy contradicts",
        what="a test of the policy expects something else than the simulator finds; the rule that decides is shown",
        why="one of the two is wrong",
        example=_input(*_ALL, tail=_TESTED.replace("VERDICT", "drop")),
        instead="the policy that was meant, or the test. `polc test` runs them all, and tells more of each",
    ),
    Code(
        "POL329",
        "too large to say",
        what="the diagrams of a ruleset take more nodes than there are to be, and lints that ask about all packets say "
        "nothing of it",
        why="saying something nevertheless would be guessing",
        instead="nothing: all other lints have been asked",
    ),
    Code(
        "POL390",
        "a suppression that is not in order",
        what="a comment `polc: ignore` names no code that can be ignored (POL3xx, POL251), gives no reason, or hides "
        "nothing",
        why="it would stay behind as a claim that nobody checks",
        example="# polc: ignore POL301\n" + _input(*_ALL),
        instead="`# polc: ignore POL306 because the console is used` on the finding's line or the one above",
    ),
)
