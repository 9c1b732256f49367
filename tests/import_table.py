"""The table of iptables' extensions in ``docs/iptables.md``, made from what the importer makes of examples.

``python tests/import_table.py`` writes it anew. Each extension has an example at least, in ``tests/importers``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "iptables.md"
BEGIN, END = "<!-- extensions: python tests/import_table.py -->\n", "<!-- end of extensions -->\n"

sys.path.insert(0, str(Path(__file__).parent / "importers"))

from importing import import_all, table  # noqa: E402
from test_iptables_matches import IP, IP6, LOCAL  # noqa: E402
from test_iptables_targets import FILTER, MANGLE, POSTROUTING, PREROUTING  # noqa: E402

from polc.importers.iptables.extension import Extension  # noqa: E402
from polc.importers.iptables.registry import MATCHES, TARGETS  # noqa: E402
from polc.ir.family import Family  # noqa: E402
from polc.ir.matches import OpaqueMatch  # noqa: E402
from polc.ir.statements import OpaqueStatement  # noqa: E402

Example = tuple[str, str, str, Family]
"""A table, a chain, the words of a rule, and a family."""

EXAMPLES: tuple[Example, ...] = (
    *(("filter", "INPUT", words, Family.IP) for words, _ in IP),
    *(("filter", "INPUT", words, Family.IP6) for words, _ in IP6),
    *(("filter", "OUTPUT", words, Family.IP) for words, _ in LOCAL),
    *(("filter", "FORWARD", words, Family.IP) for words, *_ in FILTER),
    *(("mangle", "POSTROUTING", words, Family.IP) for words, *_ in MANGLE),
    *((name, "PREROUTING", words, Family.IP) for name, words, *_ in PREROUTING),
    *(("nat", "POSTROUTING", words, Family.IP) for words, _ in POSTROUTING),
    *(
        ("raw", "PREROUTING", f"-m rpfilter{options}", Family.IP)
        for options in ("", " --loose --invert", " --validmark")
    ),
    ("filter", "INPUT", "-m comment --comment web", Family.IP),
    ("filter", "INPUT", "-p udp -m udp --sport 53 --dport 1024:", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --sport 53 --dport 1024: --tcp-option 8", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --syn", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --tcp-flags SYN,ACK SYN", Family.IP),
    ("filter", "INPUT", "-p sctp -m sctp --sport 53 --dport 1024:", Family.IP),
    ("filter", "INPUT", "-p sctp -m sctp --chunk-types any INIT", Family.IP),
    ("filter", "INPUT", "-p dccp -m dccp --sport 53 --dport 1024: --dccp-types REQUEST", Family.IP),
    ("filter", "INPUT", "-p dccp -m dccp --dccp-option 5", Family.IP),
    ("filter", "INPUT", "-p icmp -m icmp --icmp-type 8", Family.IP),
    ("filter", "INPUT", "-p esp -m esp --espspi 8", Family.IP),
    ("mangle", "PREROUTING", "-j DNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", Family.IP6),
    ("mangle", "POSTROUTING", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-set 64", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-inc 1", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-dec 1", Family.IP6),
    ("filter", "INPUT", "-j CLUSTERIP", Family.IP),
)


def rows(kind: str, known: dict[str, Extension]) -> Iterator[str]:
    """One line of the table for each extension: what is held exactly, and what is not, and why."""
    for name, extension in known.items():
        shown = f"{kind} {name}"
        exact: dict[str, None] = {}
        kept: dict[str, str] = {}
        for words, reason in outcomes(shown):
            if reason:
                kept.setdefault(reason, _options(words, shown))
            else:
                exact.update(dict.fromkeys(_names(words, shown) or ["alone"]))
        assert exact or kept, f"no example of {shown}"
        families = "" if len(extension.families) == 2 else f" ({next(iter(extension.families)).nfproto})"
        held = ", ".join(f"`{one}`" if one != "alone" else one for one in exact) or "-"
        words_and_reasons = "; ".join(f"`{words}`: {reason}" if words else reason for reason, words in kept.items())
        yield f"| `{shown}`{families} | {held} | {words_and_reasons or '-'} |"


def outcomes(shown: str) -> Iterator[tuple[str, str]]:
    """The examples that name an extension, with the reason why it is left in its own words, empty where it is not."""
    for name, chain, words, family in EXAMPLES:
        if re.search(rf"{shown}(?: |$)", words):
            (found,), _ = import_all(table(f"-A {chain} {words}", name=name), family=family)
            nodes = [
                node
                for each in found.chains
                for rule in each.rules
                for node in (*rule.matches, *rule.statements)
                if isinstance(node, OpaqueMatch | OpaqueStatement) and node.words.startswith(shown)
            ]
            yield words, nodes[0].reason if nodes else ""


def _own(words: str, shown: str) -> list[str]:
    """The words of the extension in an example, behind its name."""
    _, _, behind = words.partition(shown)
    own: list[str] = []
    for word in shlex.split(behind):
        if word in ("-m", "-j"):
            break
        own.append(word)
    return own


def _names(words: str, shown: str) -> list[str]:
    return [word for word in _own(words, shown) if word.startswith("--")]


def _options(words: str, shown: str) -> str:
    return " ".join(word if " " not in word else f'"{word}"' for word in _own(words, shown)).replace("|", "\\|")


def made() -> str:
    """What stands between the markers."""
    head = ["| extension | held exactly | kept in its own words |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows("-m", dict(MATCHES)), *rows("-j", dict(TARGETS))]) + "\n"


def written() -> tuple[str, str, str]:
    """The page in three parts, of which the second is the table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before, inside, after


if __name__ == "__main__":
    first, _, last = written()
    PAGE.write_text(f"{first}{BEGIN}{made()}{END}{last}")
