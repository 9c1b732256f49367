"""What is wrong with a text that is not YAML, as a person would put it. Imported only when something is."""

from __future__ import annotations

import re

import yaml

from polc.diagnostics import Diagnostic, Failure, Label
from polc.policy.parser import keywords
from polc.source import SourceFile, Span

_RULE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)*(?P<flow>[\[{][ \t]*)?(?:rule:[ \t]+)?  # where a rule stands
    (?P<rule>(?P<word>[a-z]+)[ \t](?:(?P<map>[^\n"'#{]*\{[^\n#]*)|(?:[^\n"'#]|"[^\n"]*")*"[^\n"]*):[ ][^\n]*)""",
    re.MULTILINE | re.VERBOSE,
)
"""A line with a rule that is not in quotes and holds a map or a quoted text with `: `."""

_REMARK = re.compile(r"(?:[ \t]+#[^\n\"]*|\s+)$")

_OPENED = {
    "while scanning a quoted scalar": "the quoted text begins here",
    "while parsing a flow mapping": "the mapping begins here",
    "while parsing a flow sequence": "the list begins here",
}

QUOTES = "put the whole rule in single quotes"


def explain(error: yaml.MarkedYAMLError, source: SourceFile) -> Failure:
    """The POL006 for an error of the YAML parser."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(source.text)) if mark else 0
    rule = _unquoted_rule(source, at)
    if rule:
        return rule
    reason = (error.problem or error.context or "it cannot be read").rstrip()
    labels = [Label(source.span(at, at + 1))]
    begins = _OPENED.get(error.context or "")
    if begins and error.context_mark and error.context_mark.index != at:
        opened = error.context_mark.index
        labels.append(Label(source.span(opened, opened + 1), begins))
    return Failure(
        (Diagnostic("POL006", f"this is not YAML: {reason}", tuple(labels), _advice(reason, source.text[at : at + 1])),)
    )


def _unquoted_rule(source: SourceFile, end: int) -> Failure | None:
    """What the parser stumbles over comes later, often at the end of the file; the first such rule is the cause."""
    for found in _RULE.finditer(source.text):
        if found.start() > end:
            break
        if found["word"] in keywords():
            text = _REMARK.sub("", found["rule"])
            span = source.span(found.start("rule"), found.start("rule") + len(text))
            help_text = QUOTES if found["flow"] else in_quotes(span)
            within = "braces" if found["map"] else "quotes"
            return Failure.of(
                "POL006", f"in YAML, `: ` ends a key, also within this rule's {within}", span, help=help_text
            )
    return None


def in_quotes(rule: Span) -> str:
    """The advice to write this rule in single quotes."""
    quoted = rule.text.replace("'", "''")
    return f"{QUOTES}: `'{quoted}'`"


def _advice(reason: str, found: str) -> str:
    """What usually is behind the scanner's words about the character that it ``found``."""
    if found == "\t" or "\\t" in reason or "tab" in reason:
        return "YAML is indented with spaces, never with tabs"
    if "cannot start any token" in reason:
        return "text that begins with `@`, `*`, `&`, `%`, `!` or a backquote must stand in quotes"
    if "mapping values are not allowed" in reason:
        return "text that holds `: ` or ends with `:` must stand in quotes"
    if "unexpected ':'" in reason:
        return "text that ends with `:` must stand in quotes, such as an IPv6 address"
    return ""
