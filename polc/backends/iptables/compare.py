"""Reading back: does the kernel hold what was emitted?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from polc.backends.iptables.coexist import NOTE
from polc.backends.iptables.tables import TABLES
from polc.ir.protocols import PROTOCOLS

PROTOCOL_WORDS: dict[str, int] = {**PROTOCOLS, "ipv6-icmp": 58, "ipencap": 4, "hopopt": 0, "ospfigp": 89, "all": 0}
"""iptables-save asks the host's /etc/protocols for names and prints numbers where that has none; so do we."""


_NAMED = {
    "--src-group": {"default": "0x0"},
    "--dst-group": {"default": "0x0"},
    "--realm": {"cosmos": "0x0"},
}
"""libxt_devgroup and libipt_realm print a number by its name in the host's table, which has these from the start."""

_UNSAID = (" --datestop 2038-01-19T03:14:07", " --to 65535")
"""What the tools print for a `-m time` that was given no last day, and 1.8.7 for a `-m string` without an end."""


@dataclass(slots=True)
class SavedTable:
    """A table of a restore file or of iptables-save: policies of chains (``-``: none), rules without counters."""

    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[str]] = field(default_factory=dict)

    @property
    def does_nothing(self) -> bool:
        return not any(self.rules.values()) and set(self.policies.values()) <= {"ACCEPT"}


def differences(emitted: str, saved: str) -> tuple[str, ...]:
    """What ``saved`` (of iptables-save or ip6tables-save) lacks of, or has beside, ``emitted`` (a restore file).

    One sentence each; none when they mean the same. Order counts for the rules of a chain alone. A table
    that only ``saved`` has counts when it does anything: the kernel shows empty ones as soon as they
    have been looked at. Of a file for ``--noflush`` its own chains count, and one jump to each that is called.
    """
    wanted, found = parse(emitted), parse(saved)
    prefix = own_prefix(emitted)
    return tuple(_differences(wanted, own(found, prefix) if prefix else found))


def own_prefix(emitted: str) -> str:
    """How chains begin that are a file's own, beside those of others; empty where it holds whole tables."""
    first = emitted.partition("\n")[0].removeprefix("# ")
    return first.removeprefix(NOTE) if first.startswith(NOTE) else ""


def own(tables: dict[str, SavedTable], prefix: str) -> dict[str, SavedTable]:
    """What there is of chains that begin so, and of jumps to them from built-in ones."""
    found: dict[str, SavedTable] = {}
    for name, table in tables.items():
        mine = SavedTable({chain: policy for chain, policy in table.policies.items() if chain.startswith(prefix)})
        for chain, rules in table.rules.items():
            if chain.startswith(prefix):
                mine.rules[chain] = rules
            elif chain in TABLES.get(name, ()):
                mine.rules[chain] = [rule for rule in rules if rule.partition("-j ")[2].startswith(prefix)]
        if mine.policies or mine.rules:
            found[name] = mine
    return found


def _differences(wanted: dict[str, SavedTable], found: dict[str, SavedTable]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            if not wanted[name].does_nothing or any(chain not in TABLES[name] for chain in wanted[name].policies):
                yield f"table {name} is missing"
        elif name not in wanted:
            if not found[name].does_nothing:
                yield f"table {name} was not emitted and is not empty"
        else:
            yield from _in_table(name, wanted[name], found[name])


def _in_table(name: str, wanted: SavedTable, found: SavedTable) -> Iterator[str]:
    missing = set()
    for chain, policy in wanted.policies.items():
        # Built-in chains that the nft variant has not made yet accept.
        default = "ACCEPT" if chain in TABLES.get(name, ()) else None
        actual = found.policies.get(chain, default)
        if actual is None:
            missing.add(chain)
            yield f"table {name}: chain {chain} is missing"
        elif actual != policy:
            yield f"table {name}: the policy of chain {chain} is {actual}, not {policy}"
    for chain, policy in found.policies.items():
        if chain not in wanted.policies and not (chain in TABLES.get(name, ()) and policy == "ACCEPT"):
            yield f"table {name}: chain {chain} was not emitted"
    for chain in dict.fromkeys((*wanted.rules, *found.rules)):
        if chain not in missing:
            yield from _in_chain(
                f"table {name}, chain {chain}", wanted.rules.get(chain, []), found.rules.get(chain, [])
            )


def _in_chain(place: str, wanted: list[str], found: list[str]) -> Iterator[str]:
    if wanted == found:
        return
    # Imported here: only a difference pays for it.
    from difflib import SequenceMatcher

    for tag, start, end, from_, to in SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if end - start == to - from_:
            for offset in range(end - start):
                number = start + offset + 1
                yield f"{place}: rule {number} is `{found[from_ + offset]}`, not `{wanted[start + offset]}`"
            continue
        for number in range(start, end):
            yield f"{place}: rule {number + 1} `{wanted[number]}` is missing"
        for number in range(from_, to):
            yield f"{place}: rule `{found[number]}` was not emitted"


def parse(text: str) -> dict[str, SavedTable]:
    """The tables of a text, by their names."""
    tables: dict[str, SavedTable] = {}
    table = SavedTable()
    for line in text.splitlines():
        match line[:1]:
            case "*":
                table = tables.setdefault(line[1:].strip(), SavedTable())
            case ":":
                chain, policy = line[1:].split()[:2]
                table.policies[chain] = policy
            case "-" | "[":
                words = _words(line)
                table.rules.setdefault(words[1], []).append(shlex.join(words[2:]))
            case _:
                pass
    return tables


def _words(line: str) -> list[str]:
    """The words of a rule, protocols as numbers; counters (``[1:60]``, of iptables-save -c) left out."""
    for words_of_none in _UNSAID:
        line = line.replace(words_of_none, "")
    words = split_words(line)
    if words[0].startswith("["):
        words = words[1:]
    return [_value(before, word) for before, word in zip(["", *words], words, strict=False)]


def _value(option: str, word: str) -> str:
    if option == "-p":
        return _protocol(word)
    return _NAMED[option].get(word, word) if option in _NAMED else word


def split_words(line: str) -> list[str]:
    """Words as iptables-restore takes them: double quotes, and backslashes within them (add_param_to_argv)."""
    words: list[str] = []
    current = ""
    inside = quoted = escaped = False
    for c in line:
        if c.isspace() and not quoted:
            if inside:
                words.append(current)
            current, inside = "", False
            continue
        inside = True
        if escaped:
            current += c
            escaped = False
        elif quoted and c == "\\":
            escaped = True
        elif c == '"':
            quoted = not quoted
        else:
            current += c
    return [*words, current] if inside else words


def _protocol(word: str) -> str:
    if word in PROTOCOL_WORDS:
        return str(PROTOCOL_WORDS[word])
    if word.isdigit():
        return word
    import socket

    try:
        return str(socket.getprotobyname(word))
    except OSError:
        return word
