"""POL1xx and POL2xx of single clauses: what they take, and where they can stand."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code


def _rule(rule: str, head: str = "") -> str:
    """A policy with one rule."""
    return f"polc: 1\n{head}input:\n  default: drop\n  rules:\n    - {rule}\n"


CLAUSE_CODES: tuple[Code, ...] = (
    Code(
        "POL120",
        "not a log prefix",
        what="the text of `log` is longer than the kernel keeps, or has control characters",
        why="the kernel would cut it, or log lines could be forged with it",
        example=_rule(f'drop log "{"x" * 128}"'),
        instead="at most 127 bytes; at most 29 where iptables is a target",
    ),
    Code(
        "POL231",
        "an unknown log level",
        what="`level` names a level that syslog does not have",
        why="the lines would be logged at another level, or not be shown",
        example=_rule('drop log "in-drop" level loud'),
        instead="`emerg`, `alert`, `crit`, `err`, `warn`, `notice`, `info` or `debug`",
    ),
    Code(
        "POL121",
        "a clause with a wrong value",
        what="a mark, mask, code point, group of a log or size is none, or two words of a clause do not go together",
        why="the kernel would refuse it, or keep other bits than were meant",
        example=_rule("mark set 0x100 mask 0xff"),
        instead="a value within its bounds, which the message tells",
    ),
    Code(
        "POL232",
        "an unknown timeout",
        what="`ct timeout set` names a timeout that is not defined",
        why="the flow would keep the kernel's times",
        example=_rule("ct timeout set short tcp"),
        instead="a definition of `timeouts`",
    ),
    Code(
        "POL233",
        "an unknown flowtable",
        what="`flow add` names a flowtable that is not defined",
        why="there is nothing that the flow could be added to",
        example="polc: 1\nforward:\n  default: drop\n  rules:\n    - flow add @fast tcp\n",
        instead="a definition of `flowtables`",
    ),
    Code(
        "POL234",
        "not a key of a map",
        what="`vmap` or `map` names a part of a packet that a map cannot look up, or one twice",
        why="there is nothing to look up",
        example=_rule("'vmap tcp port {22: accept}'"),
        instead="`iifname`, `oifname`, `saddr`, `daddr`, `tcp dport`, `meta l4proto`, `ct state`, fields of `where`",
    ),
    Code(
        "POL235",
        "two elements for one packet",
        what="the values of two elements of a map have something in common",
        why="a packet with it would have two verdicts, and the kernel refuses such maps",
        example=_rule("'vmap tcp dport {22: accept, 20-30: drop}'"),
        instead="elements without common values; what is to come first in a rule of its own before the map",
    ),
    Code(
        "POL236",
        "an element that does not fit its key",
        what="an element of a map has more or fewer parts than the key, or values that no packet of the key has",
        why="no packet would be in it",
        example=_rule("'vmap saddr . tcp dport {192.0.2.1: accept}'"),
        instead="a value for each part of the key, joined by ` . `",
    ),
    Code(
        "POL240",
        "counting by ports that are not there",
        what="`per` names `sport` or `dport`, and the rule also matches packets that have no ports",
        why="such packets have no key to be counted by, so the limit would not hold for them",
        example=_rule("drop over 10/minute per dport"),
        instead="a service of `tcp`, `udp`, `sctp`, `dccp` or `udplite` in the rule",
    ),
    Code(
        "POL241",
        "out of place",
        what="a verdict, clause or field stands in a chain whose packets the kernel does not do it for",
        why="the kernel would refuse the ruleset, or take the rule and never do it",
        example=_rule("notrack udp/53"),
        instead="the chain that the message names",
    ),
    Code(
        "POL242",
        "an unknown word in a condition",
        what="`where` names a bit, type, option or trait that there is not",
        why="there is nothing to compare",
        example=_rule("accept tcp/80 where ct status dnatted"),
        instead="one of the words that the message lists",
    ),
    Code(
        "POL243",
        "a comparison that means nothing",
        what="`where` compares a field with a value that it cannot have, or by an operator that it does not know",
        why="the rule would never match, or always",
        example=_rule("accept where ip ttl < 0"),
        instead="a value within the field's bounds; operators are `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` and `&`",
    ),
    Code(
        "POL244",
        "not a dynamic group",
        what="`ban` names a group that is not filled at run time, or one that is stands where addresses must be known",
        why="addresses are added to dynamic groups alone, and what is in those is not known before",
        example=_rule("drop ssh over 10/minute per source ban @admins", "addresses: {admins: 192.0.2.1}\n"),
        instead="a group with `dynamic: true`",
    ),
    Code(
        "POL245",
        "an unknown chain",
        what="`jump` or `goto` names a chain that is not defined",
        why="the packet would have nowhere to go",
        example=_rule("jump guard to 192.0.2.0/24"),
        instead="a chain of `chains`",
    ),
    Code(
        "POL246",
        "a condition that can hold in too many ways",
        what="the `or`s of a condition multiply to more than 64 ways in which it can hold",
        why="each way is a rule of the output",
        example=_rule("accept where " + " and ".join(f"(ip ttl {one} or ip6 hoplimit {one})" for one in range(1, 8))),
        instead="several rules, or fewer `or`s",
    ),
    Code(
        "POL247",
        "a way out of a chain that is not there",
        what="`return` or `goto` stands in a rule that holds in several ways and also counts, or that logs at a rate",
        why="such a rule needs a chain of its own, from which they would lead elsewhere",
        example=_rule("'return tcp/80 log \"web: \" at 1/minute'"),
        instead="the log as a rule of its own before this one, or a rule for each way",
    ),
    Code(
        "POL248",
        "a change of addresses that does not fit",
        what="what stands after `->` is not what the verdict needs, or stands where there is nothing to change",
        why="the packet would go elsewhere than was meant",
        example=_rule("accept tcp/80 -> 192.0.2.10:80"),
        instead="`dnat` and `snat` with an address, `redirect` with a port, `netmap` with a prefix",
    ),
    Code(
        "POL249",
        "native words that are not one rule",
        what="the words of `native` end the rule, begin another, or leave a quote or bracket open",
        why="the rest of the output would be read as something else",
        example=_rule('{native: {nft: "tcp dport 22 accept; accept"}}'),
        instead="one rule's words, without the chain before and the line end behind them",
    ),
    Code(
        "POL251",
        "a rule in a target's own words",
        what="a rule is `native`: it stands in the output as it stands in the policy",
        why="polc does not know what it does. It may let in or keep out anything: no lint, test, comparison or proof "
        "takes it into account, and an error in it is the target's to find",
        instead="the clauses of the language, where they can say it",
    ),
)
