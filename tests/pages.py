"""The code blocks of the documentation, and the policies that they are.

What a block is stands on its fence line:

- ```` ```yaml policy````: a complete policy; it compiles on every target.
- ```` ```yaml rules section=nat````: a list of rules of that section (``raw.prerouting`` is one too); it compiles
  behind the names of the one ```` ```yaml prelude```` block, which stands in the page of the language.
- ```` ```yaml file=common.yaml````, ```` ```text file=scanners.txt````: a file that stands beside the page's policies.

The first two take ``refused=iptables`` (that target cannot say it, of a list none of its rules),
``approximate=nft:hits-as-ban`` (that target needs somebody to agree to it, by that name),
``error=POL220`` (no policy at all: each rule has that error, and no other), ``needs=nft-queue`` (it is loaded where
the kernel has that feature of ``conftest.py``), and ``format=text`` (of nft's formats this one alone can say it).

A table whose last columns are ``polc`` and ``section`` has rules in the first of them, and in the other where they
stand, with ``nft only``, ``iptables only`` or ``approximate on nft`` behind it; in the section ``names`` they are keys
of a policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = tuple(
    # The reference of the codes is written by the registry, whose tests try its examples.
    page
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.name != "diagnostics.md"
)

_FENCE = re.compile(r"^ *(```+)([^\n`]*)\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
_OPTIONS = frozenset({"section", "refused", "approximate", "error", "file", "head", "needs", "format"})


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    kind: str
    text: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"

    def rules(self) -> list[str]:
        """The items of a list of rules, each as text."""
        return [item for item in re.split(r"^(?=- )", self.text, flags=re.MULTILINE) if item.startswith("- ")]


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        words = match[2].split()
        options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        kinds = [word for word in words[1:] if "=" not in word]
        if "file" in options and not kinds:
            kinds = ["file"]
        assert options.keys() <= _OPTIONS, (page.name, match[2])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, "".join(words[:1]), " ".join(kinds), match[3], options))
    return found


@dataclass(frozen=True)
class Row:
    """A row of a table of rules: ``name`` is its first cell, ``column`` what that is called; ``said`` stands behind
    the section.
    """

    page: Path
    line: int
    column: str
    name: str
    rules: tuple[str, ...]
    section: str
    said: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def rows(page: Path) -> list[Row]:
    found = []
    column = None
    for number, line in enumerate(page.read_text().split("\n"), 1):
        if not line.startswith("|"):
            column = None
            continue
        first, *cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
        if cells[-2:] == ["polc", "section"]:
            column = first
        elif column is not None and not line.startswith("| ---"):
            rules, section = cells[-2:]
            spans = tuple(span.replace("\\|", "|") for span in re.findall(r"`([^`]+)`", rules))
            name, _, said = section.partition(", ")
            found.append(Row(page, number, column, first.strip("`"), spans, name, said))
    return found


BLOCKS = tuple(block for page in PAGES for block in blocks(page))
ROWS = tuple(row for page in PAGES for row in rows(page))
(PRELUDE,) = (block for block in BLOCKS if block.kind == "prelude")


def wrapped(rules: str, section: str) -> str:
    """A policy with these rules in a section, behind the prelude."""
    first, _, hook = section.partition(".")
    inside = f"  {hook}:\n" if hook else "" if first == "nat" else "  default: drop\n  rules:\n"
    indented = "".join(f"    {line}\n" if line else "\n" for line in rules.splitlines())
    return f"{PRELUDE.text}\n{first}:\n{inside}{indented}"


def write_files(page: Path, folder: Path) -> None:
    """Put the files that a page's policies and the prelude name into a folder."""
    for block in BLOCKS:
        if "file" in block.options and block.page in (page, PRELUDE.page):
            (folder / block.options["file"]).write_text(block.text)
