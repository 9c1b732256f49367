"""The command line as a user meets it: output, exit status, and one diagnostic with a place per kind of bad input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from polc.cli.main import VERBS, main

GOOD = "polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/22\n"
PLACE = re.compile(r"^ *--> (.+):(\d+):(\d+)$", re.MULTILINE)


def write(directory: Path, text: str | bytes, name: str = "policy.yaml") -> Path:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def polc(*argv: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "polc", *argv], input=stdin, capture_output=True, cwd=cwd, check=False)


BAD_INPUTS = {
    "bad yaml": (b"polc: 1\ninput: [\n", 3),
    "tab indentation": (b"polc: 1\ninput:\n\tdefault: drop\n", 3),
    "unknown key": (b"polc: 1\ninputs: {default: drop}\n", 2),
    "unknown service": (b"polc: 1\ninput:\n  default: drop\n  rules:\n    - accept shh\n", 5),
    "wrong address": (b"polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/22 from 192.0.2.300\n", 5),
    "host bits": (b"polc: 1\naddresses:\n  a: 192.0.2.1/24\n", 3),
    "missing include": (b"polc: 1\ninclude: [nowhere.yaml]\n", 2),
    "invalid utf-8": (b"polc: 1\n# \xff\n", 2),
    "nul byte": (b"polc: 1\n# \x00\n", 2),
    "empty": (b"", 1),
    "only a comment": (b"# nothing\n", None),
    "not a mapping": (b"- accept\n", 1),
    "duplicate key": (b"polc: 1\npolc: 1\n", 2),
    "syntax error": (b"polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/22 limit\n", 5),
    "future version": (b"polc: 2\n", 1),
}


@pytest.mark.parametrize(("text", "line"), BAD_INPUTS.values(), ids=BAD_INPUTS)
@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_bad_input_is_one_diagnostic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, line: int | None, target: str
) -> None:
    policy = write(tmp_path, text)
    out = tmp_path / "out"
    out.mkdir()
    (out / "rules.v4").write_text("old")
    assert main(["compile", str(policy), "--target", target, "-o", f"{out}/"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(re.findall(r"^error\[POL\d{3}\]: ", captured.err, re.MULTILINE)) == 1, captured.err
    place = PLACE.search(captured.err)
    assert place is not None, captured.err
    assert place[1] == str(policy)
    if line is not None:
        assert int(place[2]) == line, captured.err
    assert "Traceback" not in captured.err
    assert {one.name: one.read_text() for one in out.iterdir()} == {"rules.v4": "old"}


def test_a_directory_or_missing_file_is_one_diagnostic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path, tmp_path / "missing.yaml"):
        assert main(["compile", str(path), "--target", "nft"]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("error[POL") == 1
        place = PLACE.search(captured.err)
        assert place is not None
        assert place[1] == str(path)


def test_all_errors_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = ["accept shh", "accept tcp/99999", "acept tcp/22", "accept tcp/22 from @nobody", "accept tcp/22 limit fast"]
    policy = write(tmp_path, "polc: 1\ninput:\n  default: drop\n  rules:\n" + "".join(f"    - {r}\n" for r in rules))
    assert main(["compile", str(policy), "--target", "nft"]) == 2
    error = capsys.readouterr().err
    assert [int(line) for _, line, _ in PLACE.findall(error)] == [5, 6, 7, 8, 9], error
    assert "did you mean `ssh`?" in error


def test_the_caret_stands_under_the_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = write(tmp_path, 'polc: 1\ninput:\n  default: drop\n  rules:\n    - "accept shh"\n')
    assert main(["compile", str(policy), "--target", "nft"]) == 2
    lines = capsys.readouterr().err.splitlines()
    source = next(number for number, text in enumerate(lines) if 'accept shh"' in text)
    assert lines[source].index("shh") == lines[source + 1].index("^")
    assert lines[source + 1].count("^") == 3


def test_compile_writes_whole_files(tmp_path: Path) -> None:
    policy = write(tmp_path, GOOD)
    assert main(["compile", str(policy), "--target", "iptables", "-o", str(tmp_path / "out")]) == 0
    written = {one.name: one.read_text() for one in (tmp_path / "out").iterdir()}
    assert set(written) == {"rules.v4", "rules.v6"}
    assert all(text.endswith("COMMIT\n") for text in written.values())
    assert main(["compile", str(policy), "--target", "nft", "-o", str(tmp_path / "ruleset.json")]) == 0
    assert json.loads((tmp_path / "ruleset.json").read_text())["nftables"]


def test_stdin_and_stdout(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    from_file = polc("compile", "policy.yaml", "--target", "nft", cwd=tmp_path)
    from_stdin = polc("compile", "-", "--target", "nft", stdin=GOOD.encode())
    assert from_file.returncode == from_stdin.returncode == 0
    assert len(json.loads(from_stdin.stdout)["nftables"]) == len(json.loads(from_file.stdout)["nftables"])
    assert b"policy.yaml:5" in from_file.stdout


def test_output_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    policy = write(tmp_path, GOOD + "    - drop tcp/23,2323 state new over 3/minute burst 4 per source\n")
    seen = set()
    for seed in ("0", "1", "2"):
        for target, name in (("nft", "ruleset"), ("iptables", "rules.v6")):
            done = subprocess.run(
                [sys.executable, "-m", "polc", "compile", str(policy), "--target", target]
                + (["--only", name] if target == "iptables" else []),
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            )
            seen.add((target, done.stdout))
    assert len(seen) == 2


def test_several_files_do_not_go_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = write(tmp_path, GOOD)
    assert main(["compile", str(policy), "--target", "iptables"]) == 2
    assert "--only NAME" in capsys.readouterr().err
    assert main(["compile", str(policy), "--target", "iptables", "--only", "rules.v6"]) == 0
    assert capsys.readouterr().out.startswith("*")


def test_approximations_are_agreed_to_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = write(tmp_path, GOOD.replace("accept", "drop") + "    - drop tcp/23 state new hits 4 in 10s per source\n")
    command = ["compile", str(policy), "--target", "nft"]
    assert main(command) == 2
    refusal = capsys.readouterr()
    assert refusal.out == ""
    assert "error[POL401]" in refusal.err
    assert "--allow-approximate hits-as-ban" in refusal.err
    assert main([*command, "--allow-approximate", "something-else"]) == 2
    capsys.readouterr()
    for agreed in (["--allow-approximate", "hits-as-ban"], ["--allow-approximate"]):
        assert main([*command, *agreed]) == 0
        done = capsys.readouterr()
        assert json.loads(done.out)["nftables"]
        assert "note[POL401]" in done.err
    assert main(["compile", str(policy), "--target", "iptables", "--only", "rules.v4"]) == 0


def test_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = write(tmp_path, GOOD)
    blocked = write(tmp_path, "a file", "out")
    assert main(["compile", str(policy), "--target", "iptables", "-o", f"{blocked}/deeper"]) == 2
    assert "error[POL051]" in capsys.readouterr().err
    assert blocked.read_text() == "a file"


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["frobnicate"], [], ["verify"], ["compile", "x", "--target", "pf"]):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
    with pytest.raises(SystemExit) as stop:
        main(["complie"])
    assert "did you mean `compile`?" in capsys.readouterr().err
    for verb in VERBS:
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0


def test_layouts_and_ipsets_are_of_iptables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = str(write(tmp_path, GOOD.replace("tcp/22", "tcp/22 from 192.0.2.1, 192.0.2.9")))
    for verb, target in (("compile", "nft"), ("verify", "nft")):
        assert main([verb, policy, "--target", target, "--layout", "coexist", "--ipset", "always"]) == 2
        assert capsys.readouterr().err == f"polc {verb}: --layout and --ipset: for iptables alone\n"
    out = tmp_path / "out"
    arguments = ["compile", policy, "--target", "iptables", "-o", f"{out}/"]
    assert main([*arguments, "--layout", "coexist", "--ipset", "always"]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["load.sh", "rules.v4", "rules.v6", "sets.ipset"]
    assert "-A INPUT -j polc-INPUT\n" in (out / "rules.v4").read_text()
    assert main([*arguments, "--only", "rules.v4", "--ipset", "never"]) == 0
    assert "-s 192.0.2.9/32" in (out / "rules.v4").read_text()


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    policy = write(tmp_path, GOOD)
    command = f"{sys.executable} -m polc compile {policy} --target nft | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("polc: 1\n")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        assert main(["compile", str(tmp_path / "p.yaml"), "--target", "nft", "-o", str(pipe)]) == 0
        assert "nftables" in reader.communicate(timeout=20)[0]
    assert pipe.is_fifo()


def test_a_link_stays_one_and_its_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("polc: 1\n")
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    assert main(["compile", str(tmp_path / "p.yaml"), "--target", "nft", "-o", str(link)]) == 0
    assert link.is_symlink()
    assert "nftables" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_names_of_output_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("polc: 1\n")
    assert main(["compile", str(policy), "--target", "nft", "-o", ""]) == 2
    assert main(["compile", str(policy), "--target", "nft", "-o", "-"]) == 0
    assert "nftables" in capsys.readouterr().out
    assert main(["compile", str(policy), "--target", "iptables", "-o", str(policy)]) == 2
    assert f"cannot write the output: file exists\n  --> {policy}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("redirection", "message"),
    [(">&-", "it is closed"), (">/dev/full", "no space left on device")],
)
def test_standard_output_that_takes_nothing(tmp_path: Path, redirection: str, message: str) -> None:
    (tmp_path / "p.yaml").write_text("polc: 1\n")
    command = f"{sys.executable} -m polc compile {tmp_path / 'p.yaml'} --target nft {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"error[POL051]: cannot write to standard output: {message}\n\n")


def test_standard_input_that_is_closed() -> None:
    command = f"{sys.executable} -m polc check - <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "the policy is empty" in done.stdout
