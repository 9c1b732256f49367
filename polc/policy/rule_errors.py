"""Syntax errors of rules as a person would put them. Imported only when there is one."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.diagnostics.suggest import nearest
from polc.parsing.tables import END
from polc.policy.foreign_words import EFFECTS, OPTIONS, VERDICTS, advice, service
from polc.policy.nodes import Scalar
from polc.policy.parser import UNCLOSED, Token, Unexpected, keywords

_VERDICTS = (
    "accept", "drop", "reject", "jump", "goto", "return", "vmap", "queue", "use", "log", "count", "counter", "helper",
    "ban", "mark", "dscp", "mss", "reset", "dup", "flow", "trace", "notrack", "synproxy", "recent", "tproxy",
    "snat", "dnat", "masquerade", "redirect", "netmap",
)  # fmt: skip
_CLAUSES = (
    "from", "to", "sport", "state", "limit", "over", "hits", "connections", "quota", "recent", "nth",
    "probability", "where", "helper", "log", "count", "counter", "ban", "mark", "dscp", "mss", "reset", "dup", "flow",
    "trace", "comment",
)  # fmt: skip

_NEEDS: dict[str, str] = {
    "with": "a kind of answer such as `tcp-reset`",
    "use": "the name of a macro such as `stateful`",
    "helper": "the name of a conntrack helper such as `ftp`",
    "proto": "a protocol such as `gre` or `47`",
    "from": "a zone such as `wan` or an address such as `192.0.2.0/24` or `@name`",
    "to": "a zone such as `wan` or an address such as `192.0.2.0/24` or `@name`",
    "not": "zones or addresses",
    "sport": "ports such as `1024-65535`",
    "state": "a conntrack state such as `new`",
    "limit": "a rate such as `10/minute`",
    "over": "a rate such as `10/minute`",
    "hits": "a number of packets, as in `hits 10 in 100s per source`",
    "in": "a time such as `100s` or `5m`",
    "burst": "a number of packets such as `10`",
    "per": "what to count by, such as `source`",
    "log": 'a prefix in double quotes such as `"in-drop: "`',
    "level": "a level such as `info`",
    "group": "a number of a group from 0 to 65535",
    "at": "a rate such as `5/minute`",
    "jump": "the name of a chain",
    "goto": "the name of a chain",
    "connections": "`over` or `upto` and a number, as in `connections over 20 per source`",
    "quota": "`over` or `upto` and a number of bytes, as in `quota upto 10 gbytes`",
    "upto": "a number",
    "recent": "`set`, `rcheck`, `update` or `remove` and a list, as in `recent update scanners in 60s hitcount 4`",
    "hitcount": "a number of packets",
    "nth": "a number of packets, as in `nth 3`",
    "packet": "a number of a packet, counted from 0",
    "probability": "a number from 0 to 1, such as `0.5`",
    "where": "a condition such as `ct status dnat`",
    "and": "another condition",
    "or": "another condition",
    "ban": "a dynamic group such as `@banned`",
    "mark": "`set`, `xor`, `save` or `restore`, as in `mark set 0x1`",
    "set": "a value such as `0x1`",
    "xor": "a value such as `0x1`",
    "inc": "a number of hops",
    "dec": "a number of hops",
    "mask": "a number such as `0xff`",
    "dscp": "`set` and a code point, as in `dscp set ef`",
    "mss": "`clamp`, as in `mss clamp` or `mss clamp size 1400`",
    "size": "a number of bytes",
    "synproxy": "`mss` and `wscale`, as in `synproxy mss 1460 wscale 7`",
    "wscale": "a window scale from 0 to 14",
    "->": "a new address and port such as `192.0.2.10:80`",
    "vmap": "what to look up, and where it leads, as in `vmap tcp dport {22: accept, 80: jump web}`",
    "map": "what to look up, and what it leads to, as in `map tcp dport {80: 192.0.2.10:8080}`",
    "flags": "flags with commas between them",
    "snaplen": "a number of bytes",
    "queue-threshold": "a number of packets",
    "dup": "`to` and an address, as in `dup to 192.0.2.1 device eth1`",
    "device": "an interface such as `eth1`",
    "flow": "`add` and a flowtable, as in `flow add @fast`",
    "add": "a flowtable such as `@fast`",
    "reset": "TCP options, as in `reset tcp option sack-perm, tcp option timestamp`",
    "count": "the name of a counter such as `web`",
    "comment": 'a text in double quotes such as `"for the backup"`',
}
"""Keyword -> what must follow it."""

_WANTED: dict[str, str] = {
    "IN": "`in` and a time, as in `hits 10 in 100s per source`",
    "_COLON": "a colon with white space behind it, and where this value leads",
    "TO": "`to` and an address, as in `dup to 192.0.2.1 device eth1`",
    "ADD": "`add` and a flowtable, as in `flow add @fast`",
    "PER": "`per` and what to count by, as in `hits 10 in 100s per source`",
    "CLOSE": "a `)`",
    "SET_CLOSE": "a `}`",
}
"""The one kind of token that can stand there -> what that is."""

_STARTS: dict[str, str] = {
    "definition": "a service such as `tcp/22`",
    "endpoint": "a zone such as `wan` or an address such as `192.0.2.0/24` or `@name`",
    "rate": "a rate such as `10/minute`",
    "count": "a number of packets, as in `10 in 100s per source`",
    "excess": "`over` or `upto` and a number, as in `over 20 per source`",
    "allowance": "`over` or `upto` and a number of bytes, as in `upto 10 gbytes`",
    "expression": "a condition such as `ct status dnat`",
    "key": "what to look up, such as `iifname` or `saddr . tcp dport`",
    "place": "a value such as `eth0` or `192.0.2.1 . 22`",
    "outcome": "`accept`, `drop`, `return`, `jump NAME` or `goto NAME`",
}


_CONDITION_STARTS = ("where", "and", "or", "not", "(")
"""What a condition of `where` stands after."""


def explain(error: Unexpected, text: Scalar, start: str) -> Failure:
    """The POL110 for a word that cannot stand where it does, POL230 for a port without its protocol."""
    token = error.token
    if token.kind == "VALUE" and {"NAME", "PORTS"} <= error.expected:
        message, place = f"`{token.text}` has no protocol", text.place(token.start, token.end)
        return Failure.of("POL230", message, place, help=f"write `{service(token.text) or f'tcp/{token.text}'}`")
    if "OPEN" in error.expected or (len(error.before) > 1 and error.before[-2].text in _CONDITION_STARTS):
        from polc.policy.where_errors import explain_condition

        found = explain_condition(error, text)
        if found:
            return found
    from polc.policy.map_errors import explain_map

    message, help_text = explain_map(error, start) or _explain(error, start, text.text)
    # At the end there is no word to point at: the last one is what something is missing after.
    if token.kind == END and error.before:
        token = error.before[-1]
    span = text.place(token.start, token.end)
    if token.kind == UNCLOSED and not help_text:
        help_text = "in YAML, ` #` begins a comment: put the whole rule in single quotes"
    return Failure.of("POL110", message, span, help=help_text)


def _explain(error: Unexpected, start: str, text: str) -> tuple[str, str]:
    token, before = error.token, error.before
    found = "" if token.kind == END else f", found {_shown(token)}"
    if token.kind == UNCLOSED:
        return "this quoted text has no end", ""
    if not before:
        return _beginning(token, found, start, text)
    last = before[-1]
    if last.kind == "COMMA":
        if token.kind in ("ADDRESS", "REFERENCE") and "NAME" in error.expected:
            return "zones and addresses are not one list: no comma between them", "as in `from wan, lan @admins`"
        return f"something is missing after the comma{found}", ""
    if last.text in _NEEDS and (last.text in keywords() or last.kind == "ARROW") and END not in error.expected:
        return f"`{last.text}` needs {_needs(before)}{found}", _instead(last, token)
    if len(error.expected) == 1 and next(iter(error.expected)) in _WANTED:
        return f"{_shown(last)} needs {_WANTED[next(iter(error.expected))]}{found}", ""
    return _no_clause(token, before, start, error.expected)


def _beginning(token: Token, found: str, start: str, text: str) -> tuple[str, str]:
    if start != "rule":
        return f"expected {_STARTS[start]}{found}", ""
    words = ", ".join(f"`{word}`" for word in _VERDICTS)
    if token.kind == END:
        return "this rule is empty", f"a rule begins with {words}"
    near = VERDICTS.get(token.text.lower()) or nearest(token.text, _VERDICTS)
    hint = f"did you mean `{near}`?" if near else EFFECTS.get(token.text) or f"a rule begins with {words}"
    if " vmap " in text:
        hint = "a rule begins with its verdict: `vmap` stands before what it looks up"
    return f"{_shown(token)} is no verdict", hint


def _no_clause(token: Token, before: tuple[Token, ...], start: str, expected: frozenset[str]) -> tuple[str, str]:
    """A word that begins nothing where something new could begin."""
    after = before[-1]
    if token.kind == END:
        return f"something is missing after {_shown(after)}", ""
    if start != "rule":
        return f"{_shown(token)} cannot follow {_shown(after)}", ""
    if before[0].text == "use":
        return (
            f"{_shown(token)} cannot follow a macro",
            "a macro takes no clauses but `comment`: its rules are complete",
        )
    if token.text in _VERDICTS and token.text in keywords():
        if before[0].text in (*_CLAUSES, "notrack", "synproxy"):
            return (
                f"{_shown(token)} stands behind `{before[0].text}`",
                "a rule begins with its verdict, and the rest follows",
            )
        return f"a rule has one verdict, and {_shown(token)} is another", "write a rule for each"
    if token.kind == "COMMA":
        return f"a comma cannot follow {_shown(after)}", ""
    if after.kind == "FIELD" and "SET" in expected:
        field = " ".join(after.text.split())
        return f"{_shown(token)} cannot follow `{field}`", f"conditions stand after `where`, as in `where {field} 5`"
    known = advice(token, before)
    if known:
        return f"{_shown(token)} is no clause", known
    if token.text in OPTIONS:
        return f"{_shown(token)} cannot follow {_shown(after)}", EFFECTS.get(after.text, OPTIONS[token.text])
    near = nearest(token.text, _CLAUSES)
    # A word of three letters is near to any other: a second zone or state is more likely than a slip of the pen.
    listed = "COMMA" in expected and token.kind == after.kind and token.kind in ("NAME", "ADDRESS", "REFERENCE")
    if near == "ban" and token.kind == "NAME" and after.kind in ("ADDRESS", "REFERENCE"):
        return f"{_shown(token)} is no clause", "zones stand before addresses, as in `from wan, lan @admins`"
    if near and token.text not in keywords() and not (listed and len(near) == 3):
        return f"{_shown(token)} is no clause", f"did you mean `{near}`?"
    if listed and after.start > before[0].start:
        return (
            f"{_shown(token)} is no clause",
            f"if it goes on with the list before it, a comma stands between: `{after.text}, {token.text}`",
        )
    if len(before) == 1 and token.kind in ("ADDRESS", "REFERENCE"):
        meant = service(token.text)
        follows = f"an address follows `from` or `to`: `{before[0].text} from {token.text}`"
        return f"{_shown(token)} is no service", f"write `{meant}`" if meant else follows
    clauses = ", ".join(f"`{word}`" for word in _CLAUSES)
    if token.text in keywords():
        return f"{_shown(token)} cannot follow {_shown(after)}", f"a clause begins with {clauses}"
    return f"{_shown(token)} is no clause", f"a clause begins with {clauses}"


def _shown(token: Token) -> str:
    return "a comma" if token.kind == "COMMA" else f"`{token.text}`"


def _needs(before: tuple[Token, ...]) -> str:
    """What must follow the last word, which is one of ``_NEEDS``."""
    words = [token.text for token in before]
    if words[-1] == "over" and words[-2:-1] in (["connections"], ["quota"]):
        return _NEEDS["upto"]
    if words[-2:] == ["dup", "to"]:
        return "an address such as `192.0.2.1`"
    if words[-1] == "in" and words[-3:-2] != ["hits"]:
        return "values in braces, as in `ip ttl in {1, 64-128}`"
    return _NEEDS[words[-1]]


def _instead(last: Token, token: Token) -> str:
    if last.text in ("comment", "log") and token.kind != END:
        return "put the text in double quotes"
    if token.text.startswith("!") and last.text in ("from", "to"):
        return f"`not` is the word for it: `{last.text} not {token.text.lstrip('!') or 'wan'}`"
    if token.kind == "NAME" and "." in token.text:
        return "polc takes addresses, not host names: what a name stands for can change"
    return ""
