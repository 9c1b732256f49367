"""The page of the targets names every deviation that a backend can have, and its tables give the right ones."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from pages import PRELUDE, ROOT, ROWS, Row, wrapped, write_files

from polc.backends.model import Options
from polc.backends.nft import hits, recent
from polc.backends.registry import BACKENDS
from polc.compiler import read

PAGE = ROOT / "docs" / "targets.md"
NAMED = [row for row in ROWS if row.page == PAGE and row.column == "name"]


def imported() -> set[str]:
    """What stands near to extensions of iptables, by the names that the importer gives."""
    found: set[str] = set()
    for path in (ROOT / "polc" / "importers" / "iptables").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Nearest", "Omission")
            ):
                constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found.add(str(constants[0]))
    return found


def names() -> set[str]:
    """The first arguments of `Refused` and `Difference` in the backend of iptables, where names stand; and nft's."""
    found = {hits.NAME, recent.NAME, *imported()}
    for path in (ROOT / "polc" / "backends" / "iptables").rglob("*.py"):
        tree = ast.parse(path.read_text())
        constants = {
            one.targets[0].id: one.value.value
            for one in tree.body
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and isinstance(one.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Refused", "Difference")
            ):
                match node.args[0]:
                    case ast.Constant(value=str(name)):
                        found.add(name)
                    case ast.Name(id=name) if name in constants:
                        found.add(str(constants[name]))
                    case _:
                        assert path.name == "words.py", f"{path.name}:{node.lineno}: a name that is not written out"
    return found


def test_the_page_names_every_deviation() -> None:
    page = PAGE.read_text()
    known = names()
    assert len(known) > 30
    assert not {name for name in known if f"`{name}`" not in page}


def test_the_tables_name_no_other() -> None:
    assert NAMED
    assert {row.name for row in NAMED} <= names()


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.place)
def test_its_rules_deviate_by_that_name(row: Row, tmp_path: Path) -> None:
    write_files(PRELUDE.page, tmp_path)
    for rule in row.rules:
        path = tmp_path / "policy.yaml"
        path.write_text(wrapped(f"- {json.dumps(rule)}\n", row.section))
        ruleset = read(str(path))
        outputs = [backend.emit(ruleset, Options(backend.formats[0])) for backend in BACKENDS.values()]
        assert row.name in {deviation.name for output in outputs for deviation in output.deviations}, rule


def _input(rule: str, head: str = "") -> str:
    return f"polc: 1\n{head}input:\n  default: drop\n  rules:\n    - {rule}\n"


def _group(name: str, size: int) -> str:
    return f"addresses: {{{name}: {{dynamic: true, timeout: 1h, size: {size}}}}}\n"


BESIDES = {
    "helper-place": _input("jump a", "chains: {a: [helper ftp tcp/21]}\n"),
    "hits-window": _input("drop ssh state new hits 5 in 50d per source"),
    "interface-name": _input("accept from odd", "zones: {odd: odd+}\n"),
    "shared-state": "polc: 1\nchains: {a: [accept quota upto 5 kbytes]}\n"
    "mangle: {forward: [jump a]}\nforward: {default: drop, rules: [jump a]}\n",
    "native": _input("{native: {nft: accept, nft_json: [{accept: null}]}}"),
    "set-name": _input("drop from @a-name-of-twenty-nine-letters", _group("a-name-of-twenty-nine-letters", 10)),
    "set-size": _input("drop from @seen", _group("seen", 16_777_217)),
    "base-chain": "polc: 1\ningress: {eth0: {default: accept, rules: [drop tcp/23]}}\n",
    "ct-timeout": _input("accept tcp/80 ct timeout set t", "timeouts: {t: {protocol: tcp, close: 4s}}\n"),
    "flowtable": "polc: 1\nflowtables: {fast: {devices: [eth0]}}\n"
    "forward: {default: drop, rules: [accept tcp flow add @fast]}\n",
    "queues": _input("queue 0-65535 udp"),
    "helper-zone": "polc: 1\nraw: {prerouting: [accept ct zone set 5]}\n"
    "input: {default: drop, rules: [accept tcp/21 helper ftp]}\n",
    "helper-before-nat": "polc: 1\nforward: {default: drop, rules: [accept tcp/21 helper ftp]}\n"
    "nat: ['dnat tcp/2121 -> 192.0.2.1:21']\n",
}
"""Policies with what the page tells in prose."""


@pytest.mark.parametrize("name", BESIDES)
def test_what_is_told_in_prose(name: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(BESIDES[name])
    output = BACKENDS["iptables"].emit(read(str(path)), Options("restore"))
    assert name in {deviation.name for deviation in output.deviations}


def test_the_rest_is_what_no_policy_leads_to() -> None:
    (listed,) = re.findall(r"No policy of the language leads to these.*?\n\n", PAGE.read_text(), re.DOTALL)
    unreachable = set(re.findall(r"`([a-z0-9-]+)`", listed))
    # With options: tests/backends/iptables/test_needs.py, tests/kernel/test_coexist.py.
    asked_for = {"missing-module", "coexist-name"}
    translated = {recent.NAME, *imported()}
    assert len(translated) > 6
    assert unreachable | {row.name for row in NAMED} | BESIDES.keys() | asked_for | translated == names()
    assert not unreachable & ({row.name for row in NAMED} | BESIDES.keys())
