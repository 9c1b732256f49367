"""Address groups that are files: what is read, and what is said of files that hold nothing or something wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.diagnostics import Collector, Failure
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.matches import AddressMatch, Side
from polc.policy import read_policy

POLICY = """\
polc: 1
addresses: {listed: {file: listed.txt}}
input: {default: drop, rules: ["accept ssh from @listed"]}
"""


def write(folder: Path, text: str | None) -> str:
    path = folder / "policy.yaml"
    path.write_text(POLICY)
    if text is not None:
        (folder / "listed.txt").write_text(text)
    return str(path)


def test_its_lines_are_the_group(tmp_path: Path) -> None:
    text = "192.0.2.1\n# none\n\n 198.51.100.0/24 # a prefix\n2001:db8::1\r\n192.0.2.7-192.0.2.9\n"
    (chain,) = read_policy(write(tmp_path, text), Collector()).chains
    written = ("192.0.2.1", "198.51.100.0/24", "2001:db8::1", "192.0.2.7-192.0.2.9")
    assert chain.rules[0].matches[0] == AddressMatch(Side.SADDR, AddressSet.of(map(parse_address, written)))


@pytest.mark.parametrize(
    ("text", "code", "file", "place"),
    [
        ("", "POL106", "policy.yaml", "listed.txt"),
        ("# nothing yet\n\n", "POL106", "policy.yaml", "listed.txt"),
        (None, "POL001", "policy.yaml", "listed.txt"),
        ("192.0.2.1\nhost.example  # no\n", "POL116", "listed.txt", "host.example"),
        ("192.0.2.1/24\n", "POL116", "listed.txt", "192.0.2.1/24"),
    ],
)
def test_what_is_wrong_with_a_file(text: str | None, code: str, file: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        read_policy(write(tmp_path, text), Collector())
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.text) == (code, place)
    assert found.span.source.path == str(tmp_path / file)


def test_an_error_in_every_line_is_told_for_some(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        read_policy(write(tmp_path, "no\n" * 1000), Collector())
    assert len(caught.value.diagnostics) == 21
    assert "and more lines are wrong" in str(caught.value)
