"""POL06x: packets to be simulated, and the host that they meet."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

PACKET_CODES: tuple[Code, ...] = (
    Code(
        "POL061",
        "this is no packet",
        what="the words are no packet, reply or wait, or a file of packets holds something else",
        why="a packet that is not the one that was meant proves nothing",
        instead="`tcp 198.51.100.9:4000 -> host:22 in eth0`, or the same as JSON",
    ),
    Code(
        "POL062",
        "there is no such packet",
        what="a word of a packet has a value that its field cannot have, or the packet has no such field",
        why="no network can carry it, so no firewall can be asked about it",
        instead="what the message asks for",
    ),
    Code(
        "POL063",
        "the host is not known well enough",
        what="a packet names an interface or an address of the host that it has not, or does not say where it comes in "
        "or goes out; or the description of the host cannot be read",
        why="which rules a packet meets depends on where it comes in and goes out",
        instead="`in` and `out` in the packet, or a description of the host",
    ),
    Code(
        "POL064",
        "a capture file that cannot be read",
        what="a file with captured packets is cut off, of another format, or not of Ethernet or IP",
        why="what cannot be read cannot be replayed",
        instead="a capture by `tcpdump -w`, of an Ethernet interface or `any`",
    ),
    Code(
        "POL067",
        "there is no such rule",
        what="the rule that is asked about is not in the policy",
        why="an explanation of another rule would mislead",
        instead="`input/3` for the third rule of `input`, `:14` for the one in line 14, or the `id` of a rule",
    ),
    Code(
        "POL068",
        "no firewall by itself",
        what="the file holds the sets that rules ask and no rules, or no table that is awake",
        why="what becomes of packets is for rules to say",
        instead="the file of the rules",
    ),
    Code(
        "POL069",
        "nothing that can be translated",
        what="the file is neither of iptables-save, ipset save or a script of iptables commands, nor a ruleset of nft",
        why="what is not understood cannot be kept",
        instead="what `iptables-save`, `ipset save` or `nft list ruleset` print",
    ),
    Code(
        "POL065",
        "a test that cannot be read",
        what="a test of a policy is no verdict and packet, or what a packet becomes is no pair of ends",
        why="a test that is not understood is not run, and proves nothing",
        instead="`accept tcp 198.51.100.9 -> host:22 in eth0`, or a mapping with `expect` and `packet`",
    ),
    Code(
        "POL070",
        "no packet in this line",
        what="what `polc why` is asked about is neither a packet in words, nor a line of the kernel log with its "
        "addresses, nor one of `nft monitor trace`",
        why="without addresses and protocol there is nothing that a policy could decide",
        instead="the whole line, from `IN=` on; or `tcp 198.51.100.9:4000 -> host:22 in eth0`",
    ),
    Code(
        "POL071",
        "a trace cannot begin there",
        what="the filter of `polc trace` asks what connection tracking knows of a packet",
        why="packets are marked to be traced before connection tracking, so that their whole way is seen",
        instead="addresses, ports, protocols and interfaces",
    ),
)
