"""POL5xx: what is wrong with files of other firewalls."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code


def _filter(*lines: str, chains: str = "") -> str:
    return "\n".join(("*filter", ":INPUT ACCEPT [0:0]", *([chains] if chains else ()), *lines, "COMMIT")) + "\n"


IMPORT_CODES: tuple[Code, ...] = (
    Code(
        "POL501",
        "no line of this format",
        what="a line begins like none that iptables-restore takes, goes on as none can, or has a quote without its end",
        why="what the rest of it means cannot be guessed; the lines around it are read all the same",
        example=_filter("accept everything"),
        instead="a line as `iptables-save` prints it",
    ),
    Code(
        "POL502",
        "an unknown option",
        what="an option is none of iptables, of the extensions that stand before it, or of the protocol's own match; "
        "or its beginning fits several",
        why="iptables would not load the rule, and without the option it would be another",
        example=_filter("-A INPUT -p tcp --dprot 22 -j ACCEPT"),
        instead="the option's whole name, behind the `-m` or `-j` that it belongs to",
    ),
    Code(
        "POL503",
        "an unknown extension",
        what="iptables 1.8.11 has no match or target of this name, or not for this family",
        why="what an extension of somebody else's asks or does is not known",
        example=_filter("-A INPUT -m connstate --ctstate NEW -j ACCEPT"),
        instead="an extension of iptables-extensions(8)",
    ),
    Code(
        "POL504",
        "a word out of place",
        what="a word belongs to no option, an option lacks its value, or a `!` stands where nothing can be negated",
        why="iptables would not load the rule",
        example=_filter("-A INPUT -p tcp --dport -j ACCEPT"),
        instead="options followed by their values, with `!` before the option",
    ),
    Code(
        "POL505",
        "a wrong value",
        what="a value is none that its option takes: a port above 65535, a range that is the wrong way round, a name "
        "that only the host could look up",
        why="iptables would not load the rule, or it would mean something else on each host",
        example=_filter("-A INPUT -p tcp --dport 65536 -j ACCEPT"),
        instead="a value in range, and numbers where a name is the host's",
    ),
    Code(
        "POL506",
        "options that do not go together",
        what="an option needs another one, or excludes it: ports without `-p`, two ways to say the same, `!` before a "
        "list of addresses",
        why="iptables would not load the rule",
        example=_filter("-A INPUT -m tcp --dport 22 -j ACCEPT"),
        instead="the option with what it needs, as in iptables-extensions(8)",
    ),
    Code(
        "POL507",
        "an unknown table, chain, target or set",
        what="a rule stands in, or jumps to, a chain that its table does not have at that point; or there is no such "
        "table or set",
        why="iptables would not load the rule",
        example=_filter("-A INPUT -j LOGDORP", chains=":LOGDROP - [0:0]"),
        instead="a chain that a line above makes (`:NAME - [0:0]`, or `-N NAME`)",
    ),
    Code(
        "POL508",
        "something twice",
        what="a chain or set is made again, a table stands in a file a second time, or an option in a rule",
        why="the later one would replace the earlier one, or nothing would be loaded at all",
        example=_filter("-A INPUT -p tcp --dport 22 --dport 23 -j ACCEPT"),
        instead="each once; for several ports `-m multiport`",
    ),
    Code(
        "POL509",
        "chains that jump in a circle",
        what="a chain jumps to itself, over other chains or at once",
        why="a packet could go round for ever, so the kernel does not load such rules",
        example=_filter("-A A -j B", "-A B -j A", chains=":A - [0:0]\n:B - [0:0]"),
        instead="chains of which none leads back",
    ),
    Code(
        "POL510",
        "not in this table or chain",
        what="a match, target or policy stands where the kernel does not take it",
        why="the kernel would not load the rule",
        example=_filter("-A INPUT -o eth0 -j ACCEPT"),
        instead="the table and chain that iptables-extensions(8) names",
    ),
    Code(
        "POL511",
        "a value before its option",
        what="a value stands right behind `-m NAME`, and its option behind it or nowhere",
        why="the option then takes the next word for its value, so that iptables reads something else than was meant",
        example=_filter("-A INPUT -p tcp --dport 22 -m state NEW --state -m recent --set"),
        instead="the option and then its value, as in `-m state --state NEW -m recent --set`",
    ),
    Code(
        "POL512",
        "outside of a table",
        what="a rule, a chain or `COMMIT` stands before a line such as `*filter`, or a table ends without `COMMIT`",
        why="iptables-restore loads a table when its `COMMIT` comes, and nothing without",
        example="*filter\n:INPUT ACCEPT [0:0]\n",
        instead="`*filter`, then its chains and rules, then `COMMIT`",
    ),
    Code(
        "POL513",
        "a script that only a shell can follow",
        what="a script has variables, conditions, loops, functions, pipes, or commands that may do anything",
        why="what it does hangs on the host that it runs on, and a guess could open a firewall",
        example="#!/bin/sh\nIPT=/sbin/iptables\n$IPT -A INPUT -j DROP\n",
        instead="the output of `iptables-save` after the script has run, in a namespace of its own for example "
        "(`unshare --net --map-root-user sh -c './firewall.sh; iptables-save'`)",
    ),
    Code(
        "POL514",
        "nothing to change",
        what="a rule, chain or member that is to be deleted or replaced is not there, or a chain is still in use",
        why="the command would fail, and what comes behind it counts on it",
        example="iptables -D INPUT -j DROP\n",
        instead="a script that begins with what it flushes or makes itself",
    ),
    Code(
        "POL515",
        "not read by ipset",
        what="a line of an ipset file has an unknown command, type or option",
        why="a set without some of its members, or with others, changes what rules match",
        example="create admins hash:addr\n",
        instead="lines as `ipset save` prints them",
    ),
    Code(
        "POL516",
        "a rule that no packet can meet",
        what="a rule asks for things that exclude each other, or for everything but everything; it is left out",
        why="it has no effect, and somebody meant it to have one",
        example=_filter("-A INPUT -p tcp --dport 22 -m multiport --dports 80,443 -j ACCEPT"),
        instead="the rule that was meant, or none",
    ),
    Code(
        "POL517",
        "a command that is left out",
        what="a script runs a command that changes no rules (a note): modprobe, sysctl, echo and the like",
        why="what is read is the rules alone; kernel settings and modules stay with the script",
        example="modprobe nf_conntrack_ftp\niptables -A INPUT -j DROP\n",
        instead="nothing, where the command is run some other way",
    ),
    Code(
        "POL518",
        "families that share no table",
        what="a built-in chain has one policy for IPv4 and another one for IPv6 (a note): each family has a ruleset of "
        "its own then",
        why="a chain of both families has one policy",
        instead="the same policy for both, where that is what is wanted",
    ),
    Code(
        "POL519",
        "a chain that nothing jumps to",
        what="a chain with rules is in a table other than filter, and no packet reaches it (a note); it is left out",
        why="it has no effect, and which table it was for is not kept",
        example="*nat\n:UNUSED - [0:0]\n-A UNUSED -j ACCEPT\nCOMMIT\n",
        instead="a jump to the chain, or no chain",
    ),
    Code(
        "POL520",
        "a set that is held otherwise",
        what="a set has a type or members that sets of nft cannot have, so that it is left out and rules that name it "
        "stay as they are; or members have timeouts of their own, which are those of the set here (a warning)",
        why="the rules need the set, and somebody has to see to it",
        example="create both list:set\n",
        instead="sets of addresses, networks, ports or interfaces",
    ),
    Code(
        "POL521",
        "chains that are too deep for nft",
        what="rules jump from chain to chain more than 15 deep (a warning)",
        why="nft loads no such rules (NFT_JUMP_STACK_SIZE); iptables does",
        instead="fewer chains in a row: `-g` counts as `-j` does",
    ),
    Code(
        "POL522",
        "a maximum segment size that nothing adds",
        what="`-j TCPMSS` lowers the maximum segment size of a SYN, and gives a SYN that has none one of 536 bytes, or "
        "of 1220 for IPv6 (a warning); here it lowers, and adds nothing",
        why="nft cannot add the option. A host that sends none is one that takes 536 bytes (RFC 9293, 3.7.1), and "
        "there is hardly any left",
        example="*mangle\n-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
        instead="`-m tcpmss --mss 0:65535` in the rule, which then says the same on both",
    ),
)
