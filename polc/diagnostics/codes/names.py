"""POL2xx: names, and words that do not go together."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code


def _rule(rule: str, chain: str = "input") -> str:
    """A policy with one rule."""
    return f"polc: 1\n{chain}:\n  default: drop\n  rules:\n    - {rule}\n"


NAME_CODES: tuple[Code, ...] = (
    Code(
        "POL201",
        "an unknown zone",
        what="a rule names a zone that is not defined",
        why="a rule for no interface matches nothing",
        example=_rule("accept ssh from lan"),
        instead="a zone of `zones`, or `loopback`; address groups are written `@name`",
    ),
    Code(
        "POL202",
        "an unknown address group",
        what="a rule or group names an address group that is not defined",
        why="a rule for no addresses matches nothing, or, negated, everything",
        example=_rule("accept ssh from @admins"),
        instead="a group of `addresses`",
    ),
    Code(
        "POL203",
        "an unknown service",
        what="a rule or definition names a service that is neither defined nor built in",
        why="there are no ports for it",
        example=_rule("accept shh"),
        instead="a service of `services`, a built-in one, or ports such as `tcp/22`",
    ),
    Code(
        "POL204",
        "an unknown macro",
        what="`use` names a macro that there is not",
        why="there are no rules for it",
        example=_rule("use statefull"),
        instead="`stateful`, `loopback` or `icmp-essentials`",
    ),
    Code(
        "POL205",
        "an unknown conntrack helper",
        what="a rule or service names a helper that the kernel does not have",
        why="nothing would be attached, and the connections that it announces would be dropped",
        example=_rule("helper fpt tcp/21"),
        instead="one of the kernel's helpers, which the message lists",
    ),
    Code(
        "POL206",
        "an unknown conntrack state",
        what="`state` names a state that conntrack does not have",
        why="it matches nothing",
        example=_rule("accept ssh state fresh"),
        instead="`new`, `established`, `related`, `invalid`, `untracked`",
    ),
    Code(
        "POL207",
        "an unknown answer",
        what="`reject with` names a kind of answer that there is not",
        why="the packet would be answered otherwise than was meant",
        example=_rule("reject with no"),
        instead="`port-unreachable`, `admin-prohibited`, `tcp-reset` and others",
    ),
    Code(
        "POL208",
        "an unknown protocol",
        what="a service names a protocol that polc does not know",
        why="there is no number for it",
        example=_rule("accept tpc/22"),
        instead="`tcp`, `udp`, `icmp`, `icmpv6` and others, or `proto` with a number",
    ),
    Code(
        "POL209",
        "an unknown ICMP type or code",
        what="a service names an ICMP type by a name that there is not, or a number above 255",
        why="it matches nothing; ICMP and ICMPv6 have different types",
        example=_rule("accept icmp/packet-too-big"),
        instead="nft's names of the types, or numbers: `icmp/3/4`, `icmpv6/packet-too-big`",
    ),
    Code(
        "POL210",
        "defined twice",
        what="two files define the same name, or two rules have the same id",
        why="one of them would have no effect, or not be told from the other",
        example=_rule("{rule: accept ssh, id: a}\n    - {rule: accept http, id: a}"),
        instead="different names",
    ),
    Code(
        "POL211",
        "a name that is taken",
        what="a definition has the name of a built-in zone, service or macro, or of a word of the rule language, such "
        "as `state` or `ct`",
        why="who reads `accept https` should not have to look up whether it still means tcp/443",
        example="polc: 1\nservices: {https: tcp/8443}\n",
        instead="another name; a built-in service may be given a helper when its ports stay what they are",
    ),
    Code(
        "POL212",
        "a definition that comes back to itself",
        what="an address group or service is a member of itself, directly or through others",
        why="there is nothing that it could stand for",
        example='polc: 1\naddresses: {office: ["@staff"], staff: ["@office"]}\n',
        instead="the common members in a group of their own",
    ),
    Code(
        "POL213",
        "two defaults",
        what="two files give a section different defaults",
        why="what happens to packets that no rule decides would depend on the order of files",
        instead="`default` in one of the files",
    ),
    Code(
        "POL214",
        "no default",
        what="a section says in no file what happens to packets that no rule decides",
        why="that must be somebody's decision",
        example="polc: 1\ninput: {rules: [accept ssh]}\n",
        instead="`default: drop`, `default: accept` or `default: reject`",
    ),
    Code(
        "POL220",
        "a rule that can never match",
        what="the addresses, service, condition or target of a rule exclude each other",
        why="the rule would do nothing, so something else was meant",
        example=_rule("accept ssh from 192.0.2.1 to 2001:db8::1"),
        instead="a rule for each family",
    ),
    Code(
        "POL221",
        "a zone where there is no interface",
        what="`to` names a zone in `input`, or `from` one in `output`, or in a chain that those alone lead to",
        why="such a packet has no such interface: the rule would never match",
        example="polc: 1\nzones: {wan: eth0}\ninput:\n  default: drop\n  rules:\n    - accept ssh to wan\n",
        instead="`from` in `input`, `to` in `output`, both in `forward`",
    ),
    Code(
        "POL222",
        "a macro that means nothing here",
        what="`use` names a macro that has no rules for this section",
        why="it would do nothing, so something else was meant",
        example=_rule("use loopback", "forward"),
        instead="the macro in the section that it is for",
    ),
    Code(
        "POL223",
        "source ports without ports",
        what="`sport` stands with a protocol that has no ports, or with none",
        why="it could match nothing",
        example=_rule("accept ping sport 53"),
        instead="`sport` with `tcp`, `udp`, `sctp`, `dccp` or `udplite`",
    ),
    Code(
        "POL224",
        "something of TCP for what is not TCP",
        what="`reject with tcp-reset` stands in a rule that does not name TCP services alone, or `mss`, `synproxy` or "
        "`reset tcp option` in one that names others",
        why="only TCP has resets, options and handshakes; other packets would go on to the next rule",
        example=_rule("reject with tcp-reset udp/53"),
        instead="a rule for TCP, and one for the rest",
    ),
    Code(
        "POL225",
        "an answer of the other family",
        what="`reject with` names an answer that only one family has, and the rule speaks of the other as well",
        why="packets of that family would go on to the next rule",
        example=_rule("reject with net-unreachable ssh"),
        instead="an answer that both have, such as `admin-prohibited`, or a rule for each family",
    ),
    Code(
        "POL226",
        "a helper or timeout for another protocol",
        what="a helper stands with a service whose protocol it does not read, or a timeout with one that it is not for",
        why="the kernel would attach nothing",
        example=_rule("helper ftp udp/21"),
        instead="the service of that protocol",
    ),
    Code(
        "POL227",
        "a helper for flows that end",
        what="a helper stands in a rule that drops or rejects",
        why="there will be no flow that it could be attached to",
        example=_rule("drop tcp/21 helper ftp"),
        instead="the helper in the rule that accepts",
    ),
    Code(
        "POL228",
        "one port, with and without helper",
        what="two services of a rule name the same ports, and they differ in their helper",
        why="whether it is attached would depend on their order",
        example="polc: 1\nservices: {files: {ports: tcp/21, helper: ftp}}\n"
        "input: {default: drop, rules: ['accept files, tcp/20-30']}\n",
        instead="two rules, or services without common ports",
    ),
    Code(
        "POL230",
        "ports without a protocol",
        what="a service is a bare number, or gives ports to a protocol that has none",
        why="a port means nothing without TCP, UDP or another protocol that has ports",
        example=_rule("accept 22"),
        instead="`tcp/22`, `proto gre`",
    ),
)
