"""``docs/diagnostics.md``, from the registry: ``python -m polc.diagnostics.reference > docs/diagnostics.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill

from polc.diagnostics.codes import CODES, Code

_INTRO = """\
# Diagnostics

Every error, warning and note of polc has a code. `polc explain POL301` prints what stands here of it. This page is
made by `python -m polc.diagnostics.reference`.

- **Errors** end a command with status 2, those of the machine (`POL6xx`) with 3. Nothing hides them.
- **Warnings** are what `polc check` finds in a policy that is well-formed; it then ends with status 1.
- **Notes** are worth knowing and change no status. `polc compile` prints them, and warnings, to standard error when
  they are about reading the policy (`POL251`); what needs judgement (`POL3xx`) is for `polc check`.

`polc check --select POL301,POL302` reports only these, `--ignore POL312` all but these; the beginning of a code
(`POL3`) stands for all that begin so. One finding is hidden by a comment that says why, on its line or alone on the
line above it:

```yaml
input:  # polc: ignore POL306 because this machine is managed over its serial console
  default: drop
```

Only YAML comments count, not text in quotes. A comment that hides nothing, or gives no reason, is itself a finding
(`POL390`). JSON has no comments: there, `--ignore`.
"""

_GROUPS = {
    "POL0": "Input and output",
    "POL1": "Structure and syntax",
    "POL2": "Names, and words that do not go together",
    "POL3": "Well-formed, and probably not what was meant",
    "POL4": "What a target cannot say",
    "POL5": "Files of other firewalls",
    "POL6": "The kernel and its tools",
    "POL9": "Bugs",
}


def page() -> str:
    """The whole page."""
    parts = [_INTRO]
    for prefix, title in _GROUPS.items():
        codes = sorted(code for code in CODES if code.startswith(prefix))
        parts.append(f"## {title}\n")
        parts += (_section(CODES[code]) for code in codes)
    return "\n".join(parts)


def _section(code: Code) -> str:
    return "\n".join((f"### {code.code}: {code.title}\n", *_paragraphs(code)))


def _paragraphs(code: Code) -> Iterator[str]:
    yield _wrapped(f"**What it says.** {_sentence(code.what)}")
    yield _wrapped(f"**Why it matters.** {_sentence(code.why)}")
    if code.example:
        lines = "\n".join(shortened(line) for line in code.example.splitlines())
        yield f"```{'text' if code.code.startswith('POL5') else 'yaml'}\n{lines}\n```\n"
    if code.instead:
        yield _wrapped(f"**Instead:** {code.instead}")


def shortened(line: str) -> str:
    """Some examples are wrong by their length: their beginning shows it."""
    return line if len(line) <= 100 else f"{line[:100]}..."


def _sentence(text: str) -> str:
    """Upper case where it begins with a word of ours, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _wrapped(text: str) -> str:
    return fill(text, 110, break_long_words=False, break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
