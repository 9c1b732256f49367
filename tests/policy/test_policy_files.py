"""What can be wrong with a file: one diagnostic each, with a place, and never a traceback."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from policies import read_bytes

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.diagnostics.text import render
from polc.ir.ruleset import Ruleset
from polc.policy import files, read_policy


def one_error(path: Path) -> Diagnostic:
    with pytest.raises(Failure) as caught:
        read_policy(str(path), Collector())
    (only,) = caught.value.diagnostics
    assert caught.value.exit_status == 2
    assert ":1:1" in render((only,))
    return only


def test_missing_directory_and_no_file_name(tmp_path: Path) -> None:
    assert one_error(tmp_path / "none.yaml").code == "POL001"
    assert "no such file" in one_error(tmp_path / "none.yaml").message
    assert "it is a directory" in one_error(tmp_path).message
    assert one_error(tmp_path / "x\0y").code == "POL001"


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert "permission denied" in one_error(tmp_path / "p.yaml").message


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("polc: 1\n")
    monkeypatch.setattr(files, "LARGEST", 7)
    assert one_error(path).code == "POL005"
    monkeypatch.setattr(files, "LARGEST", 8)
    assert isinstance(read_policy(str(path), Collector()), Ruleset)


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"", "POL004", (1, 1)),
        (b"  \n\t\n", "POL004", (1, 1)),
        (b"polc: 1\nzones: {wan: \xff}\n", "POL002", (2, 14)),
        (b"\xef\xbb\xbfpolc: \xe9\n", "POL002", (1, 7)),
        (b"polc: 1\nz\xc3\xb6: {wan: \xc3}\n", "POL002", (2, 11)),
        (b"polc: 1\n# \x00\n", "POL003", (2, 3)),
        ("polc: 1\n# \x85 \x9f\n".encode(), "POL003", (2, 5)),
        (b"polc: 1\nzones:\n\twan: eth0\n", "POL006", (3, 1)),
        (b"polc: 1\nzones: @x\n", "POL006", (2, 8)),
        (b"polc: 1\n---\npolc: 1\n", "POL013", (2, 1)),
        (b"a: &x [*x]\n", "POL009", (1, 8)),
        (b"polc: 1\n<<: 5\n", "POL009", (2, 5)),
        (b"? [a]\n: b\n", "POL012", (1, 3)),
        (b"[" * 100_000, "POL008", (1, 65)),
        (b"{a: " * 100_000, "POL008", (1, 257)),
        (b"polc: !!int x\n", "POL014", (1, 7)),
        (b"5\n", "POL102", (1, 1)),
    ],
)
def test_bad_texts(data: bytes, code: str, place: tuple[int, int]) -> None:
    found = read_bytes(data)
    assert not isinstance(found, Ruleset)
    (only,) = found
    assert only.span is not None
    assert (only.code, (only.span.line, only.span.column)) == (code, place), only.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"polc: 1\naddresses: {a: [2001:db8::, 192.0.2.1]}\n", "ends with `:`"),
        (b"polc: 1\naddresses:\n  a: 2001:db8::\n", "ends with `:`"),
        (b'polc: 1\ninput:\n  default: drop\n  rules:\n    - a: log "in: "\n', "ends with `:`"),
        (b"polc: 1\nzones:\n\twan: eth0\n", "never with tabs"),
    ],
)
def test_what_needs_quotes_is_told(data: bytes, said: str) -> None:
    found = read_bytes(data)
    assert not isinstance(found, Ruleset)
    assert (found[0].code, said in found[0].help) == ("POL006", True)


def test_utf16_is_named() -> None:
    found = read_bytes("polc: 1\n".encode("utf-16"))
    assert not isinstance(found, Ruleset)
    assert "UTF-16" in found[0].help


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfpolc: 1\n",
        b"polc: 1\r\ninput:\r\n  default: drop\r\n",
        b"---\npolc: 1\n",
        b"%YAML 1.2\n---\npolc: 1\n",
        b"# c\n{polc: 1, input: {default: drop}}",
        b'{"polc": 1}',
        b'{\n\t"polc":\t1\n}\n',
    ],
)
def test_sound_texts(data: bytes) -> None:
    assert isinstance(read_bytes(data), Ruleset)


def test_billion_laughs() -> None:
    lines = ["polc: 1", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    found = read_bytes("\n".join(lines).encode())
    assert not isinstance(found, Ruleset)
    assert [one.code for one in found] == ["POL009"]


def test_crlf_keeps_columns() -> None:
    found = read_bytes(b"polc: 1\r\ninput:\r\n  default: drop\r\n  rules:\r\n    - accept shh\r\n")
    assert not isinstance(found, Ruleset)
    span = found[0].span
    assert span is not None
    assert (span.line, span.column, span.text) == (5, 14, "shh")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"polc: 1\ninput: {default: dorp}\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(Failure) as caught:
        read_policy("-", Collector())
    assert "--> -:2:18" in render(caught.value.diagnostics)


def test_pure_python_yaml_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    rule = 'accept ssh from x comment "ü"'
    text = f"polc: 1\nzones: {{w: eth0}}\ninput:\n  default: &d drop\n  rules:\n    - {rule}\n".encode()
    fast = read_bytes(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    slow = read_bytes(text)
    assert not isinstance(fast, Ruleset)
    assert not isinstance(slow, Ruleset)
    assert [(one.message, one.span and (one.span.start, one.span.end)) for one in fast] == [
        (one.message, one.span and (one.span.start, one.span.end)) for one in slow
    ]
