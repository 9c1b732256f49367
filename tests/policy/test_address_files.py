"""Address groups that are files: what is read, and what is said of files that hold nothing or something wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.diagnostics import Collector, Failure
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.matches import AddressMatch, Side
from polc.policy import read_policy
from polc.policy.address_files import MOST_ERRORS

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


def listed(folder: Path, text: str) -> AddressSet:
    """The group that a file with this text is."""
    (chain,) = read_policy(write(folder, text), Collector()).chains
    (match, _) = chain.rules[0].matches
    assert isinstance(match, AddressMatch)
    return match.addresses


def test_its_lines_are_the_group(tmp_path: Path) -> None:
    text = "192.0.2.1\n# none\n\n 198.51.100.0/24 # a prefix\n2001:db8::1\r\n192.0.2.7-192.0.2.9\n"
    (chain,) = read_policy(write(tmp_path, text), Collector()).chains
    written = ("192.0.2.1", "198.51.100.0/24", "2001:db8::1", "192.0.2.7-192.0.2.9")
    assert chain.rules[0].matches[0] == AddressMatch(Side.SADDR, AddressSet.of(map(parse_address, written)))


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.7",
        "192.0.2.7\n",
        "192.0.2.7\r\n",
        "\t192.0.2.7  \n\n\n",
        "192.0.2.7#close\n",
        "#\n# 192.0.2.8\n192.0.2.7 # 192.0.2.9\n",
        "192.0.2.7\n192.0.2.7\n192.0.2.7/32\n192.0.2.7-192.0.2.7\n",
    ],
)
def test_forms_of_one_address(text: str, tmp_path: Path) -> None:
    assert listed(tmp_path, text) == AddressSet.of([parse_address("192.0.2.7")])


def test_lines_that_touch_are_one_range(tmp_path: Path) -> None:
    found = listed(tmp_path, "".join(f"192.0.2.{number}\n" for number in (3, 1, 2)) + "192.0.2.4/30\n2001:db8::1\n")
    assert found == AddressSet.of([parse_address("192.0.2.1-192.0.2.7"), parse_address("2001:db8::1")])


@pytest.mark.parametrize("text", ["0.0.0.0/0\n::/0\n", "0.0.0.0-255.255.255.255\n8000::/1\n0::/1\n192.0.2.1\n::1\n"])
def test_ranges_can_be_everything(text: str, tmp_path: Path) -> None:
    assert listed(tmp_path, text) == AddressSet.of([parse_address("0.0.0.0/0"), parse_address("::/0")])


def test_a_file_of_one_family_makes_the_rule_its(tmp_path: Path) -> None:
    for text, family in (("192.0.2.1\n", Family.IP), ("2001:db8::/32\n", Family.IP6)):
        (chain,) = read_policy(write(tmp_path, text), Collector()).chains
        assert chain.rules[0].families == {family}


def test_many_lines(tmp_path: Path) -> None:
    """Every second address of a /16, last first: none can be joined to another."""
    numbers = range(0, 1 << 16, 2)
    found = listed(tmp_path, "".join(f"10.1.{one >> 8}.{one & 255}\n" for one in reversed(numbers)))
    assert found.ip.ranges == tuple((0x0A010000 + one, 0x0A010000 + one) for one in numbers)


def test_the_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    path = Path(write(tmp_path, None))
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "groups.yaml").write_text("polc: 1\naddresses: {listed: {file: listed.txt}}\n")
    (tmp_path / "lists" / "listed.txt").write_text("192.0.2.7\n")
    path.write_text(POLICY.replace("addresses: {listed: {file: listed.txt}}", "include: lists/groups.yaml"))
    (chain,) = read_policy(str(path), Collector()).chains
    assert chain.rules[0].matches[0] == AddressMatch(Side.SADDR, AddressSet.of([parse_address("192.0.2.7")]))


def test_a_group_of_files_and_addresses(tmp_path: Path) -> None:
    path = Path(write(tmp_path, "192.0.2.7\n"))
    both = "addresses: {from-file: {file: listed.txt}, listed: ['@from-file', 192.0.2.8]}"
    path.write_text(POLICY.replace("addresses: {listed: {file: listed.txt}}", both))
    (chain,) = read_policy(str(path), Collector()).chains
    assert chain.rules[0].matches[0] == AddressMatch(Side.SADDR, AddressSet.of([parse_address("192.0.2.7-192.0.2.8")]))


def test_wrong_lines_are_told_at_their_own_places(tmp_path: Path) -> None:
    text = (
        "# first\n192.0.2.1\r\n  example.org\n\n192.0.2.1 192.0.2.2\n2001:db8::g\n10.1\n@other\n192.0.2.9-192.0.2.1\n"
    )
    with pytest.raises(Failure) as caught:
        read_policy(write(tmp_path, text), Collector())
    places = [(one.code, one.span.line, one.span.column, one.span.text) for one in caught.value.diagnostics if one.span]
    assert places == [
        ("POL116", 3, 3, "example.org"),
        ("POL116", 5, 1, "192.0.2.1 192.0.2.2"),
        ("POL116", 6, 1, "2001:db8::g"),
        ("POL116", 7, 1, "10.1"),
        ("POL116", 8, 1, "@other"),
        ("POL116", 9, 1, "192.0.2.9-192.0.2.1"),
    ]
    assert {one.span.source.path for one in caught.value.diagnostics if one.span} == {str(tmp_path / "listed.txt")}


@pytest.mark.parametrize("number", [MOST_ERRORS - 1, MOST_ERRORS])
def test_errors_within_the_bound_are_all_told(number: int, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        read_policy(write(tmp_path, "no\n192.0.2.1\n" * number), Collector())
    assert [one.message for one in caught.value.diagnostics] == ["`no` is not an IPv4 address"] * number


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "listed.txt").mkdir()
    with pytest.raises(Failure) as caught:
        read_policy(write(tmp_path, None), Collector())
    (found,) = caught.value.diagnostics
    assert (found.code, found.span and found.span.text) == ("POL001", "listed.txt")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, None)
    (tmp_path / "listed.txt").write_bytes(b"192.0.2.1\n\xff\xfe\n")
    with pytest.raises(Failure) as caught:
        read_policy(path, Collector())
    (found,) = caught.value.diagnostics
    assert found.code == "POL002"


def test_a_wrong_file_is_told_once_for_all_its_rules(tmp_path: Path) -> None:
    path = Path(write(tmp_path, "no\n"))
    path.write_text(POLICY + "output: {default: drop, rules: [accept to @listed, accept to not @listed]}\n")
    with pytest.raises(Failure) as caught:
        read_policy(str(path), Collector())
    assert [one.code for one in caught.value.diagnostics] == ["POL116"]


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
