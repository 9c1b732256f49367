"""Syntax errors of assertions as a person would put them. Imported only when there is one."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.diagnostics.suggest import nearest
from polc.parsing.parser import UNCLOSED, Token, Unexpected
from polc.parsing.tables import END
from polc.policy.nodes import Scalar

_VERBS = ("accept", "forward", "drop", "reject")
_QUANTITIES = ("never", "always", "may")
_CLAUSES = ("from", "to", "sport", "state", "where")
_END = "a zone such as `wan`, an address such as `192.0.2.0/24` or `@name`, or `host`"
_NEEDS: dict[str, str] = {
    "never": "`accept`, `forward`, `drop` or `reject`",
    "always": "`accept`, `forward`, `drop` or `reject`",
    "may": "`accept`, `forward`, `drop` or `reject`",
    "reaches": _END,
    "reach": _END,
    "from": _END,
    "to": _END,
    "not": "zones or addresses",
    "sport": "ports such as `1024-65535`",
    "state": "a conntrack state such as `new`",
    "where": "a condition such as `ct status dnat`",
    "and": "another condition",
    "or": "another condition",
    "in": "values in braces, as in `ip ttl in {1, 64-128}`",
    "proto": "a protocol such as `gre` or `47`",
    "equivalent": "the path of another firewall, such as `old.yaml` or `rules.v4`",
    "implies": "the path of another firewall, such as `old.yaml` or `rules.v4`",
}
"""Keyword -> what must follow it."""

_OF_RULES = {
    "limit": "what limits say is open in an assertion: it holds whatever they say, or, with `may`, for some answer",
    "over": "what limits say is open in an assertion: it holds whatever they say, or, with `may`, for some answer",
    "log": "an assertion is about verdicts alone",
    "comment": "a reason stands beside an assertion: `{assert: ..., because: ...}`",
    "deny": "`never accept` says that packets are dropped or rejected",
    "block": "`never accept` says that packets are dropped or rejected",
    "refuse": "`never accept` says that packets are dropped or rejected",
    "allow": "the verdicts are those of rules: `always accept`, `never accept`",
    "not": "`never` is the word for it, as in `never accept ssh from wan`",
    "must": "`always` is the word for it, as in `always accept https to host`",
    "can": "`may` is the word for it, as in `may accept ssh from wan`",
}
"""Words that people try -> what to write."""


def explain(error: Unexpected, text: Scalar, start: str) -> Failure:
    """The POL110 for a word that cannot stand where it does."""
    message, hint = _explain(error, start)
    token = error.token
    if token.kind == END and error.before:
        token = error.before[-1]
    return Failure.of("POL110", message, text.place(token.start, token.end), help=hint)


def _explain(error: Unexpected, start: str) -> tuple[str, str]:
    token, before = error.token, error.before
    shown = _shown(token)
    found = "" if token.kind == END else f", found {shown}"
    if token.kind == UNCLOSED:
        return "this quoted text has no end", ""
    if not before:
        return _beginning(token, start)
    last = before[-1]
    if last.kind == "COMMA":
        return f"something is missing after the comma{found}", ""
    if last.text in _NEEDS and END not in error.expected and last.kind != "NAME":
        hint = _near(token, _VERBS) if last.text in _QUANTITIES else ""
        return f"`{last.text}` needs {_NEEDS[last.text]}{found}", hint or _OF_RULES.get(token.text, "")
    if "REACHES" in error.expected or error.expected == {"REACH"}:
        return (
            f"an assertion is missing its verb after {_shown(last)}{found}",
            _near(token, ("reaches", "never reaches", "may reach"))
            or "as in `lan reaches wan tcp/80`, `never accept tcp/22 from wan`",
        )
    if token.kind == END:
        return f"something is missing after {_shown(last)}", ""
    if token.kind == "PORTS" and before[0].text in _QUANTITIES:
        first = f"{before[0].text} {before[1].text}" if len(before) > 1 else before[0].text
        return f"{shown} is no clause", f"a service stands right behind the verdict: `{first} {token.text}`"
    if token.text in _OF_RULES:
        return f"{shown} is no clause of an assertion", _OF_RULES[token.text]
    clauses = ", ".join(f"`{one}`" for one in _CLAUSES)
    if "COMMA" in error.expected and token.kind == last.kind and not _near(token, _CLAUSES):
        return f"{shown} is no clause", f"if it goes on with the list before it, write `{last.text}, {token.text}`"
    return f"{shown} cannot follow {_shown(last)}", _near(token, _CLAUSES) or f"the clauses are {clauses}"


def _beginning(token: Token, start: str) -> tuple[str, str]:
    if start == "class":
        return f"{_shown(token)} begins no class of packets", "as in `tcp/22 from wan`, the words of a rule's clauses"
    forms = "as in `never accept tcp/22 from wan`, `lan reaches wan tcp/80`, `equivalent old.yaml`"
    if token.kind == END:
        return "this assertion is empty", forms
    if token.text in _VERBS:
        return f"`{token.text}` needs `never`, `always` or `may` before it", f"as in `always {token.text} ...`"
    return f"{_shown(token)} begins no assertion", _OF_RULES.get(token.text, forms)


def _near(token: Token, known: tuple[str, ...]) -> str:
    found = nearest(token.text, known) if token.text else None
    return f"did you mean `{found}`?" if found else ""


def _shown(token: Token) -> str:
    return "a comma" if token.kind == "COMMA" else f"`{token.text}`"
