"""``polc check`` and ``polc explain`` from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.compiler import compile_policy
from polc.concepts import concepts, read_concept
from polc.diagnostics.codes import CODES

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
RULES = "  rules:\n    - use stateful\n    - use loopback\n    - use icmp-essentials\n"
LOCKED = "polc: 1\ninput:\n  default: drop\n" + RULES


def write(directory: Path, text: str) -> str:
    path = directory / "policy.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_clean(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(example)]) == 0, capsys.readouterr().out


def test_findings_are_told_with_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, LOCKED)
    assert main(["check", path]) == 1
    out = capsys.readouterr().out
    assert "warning[POL306]" in out
    assert f"--> {path}:2:1" in out


def test_errors_are_told_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(tmp_path, "polc: 1\nzoens: {}\n"), *map(str, EXAMPLES)]) == 2
    assert "error[POL101]" in capsys.readouterr().out


def test_select_and_ignore(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, LOCKED)
    assert main(["check", path, "--ignore", "POL306"]) == 0
    assert main(["check", path, "--ignore", "pol3"]) == 0
    assert main(["check", path, "--select", "POL301,POL302"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["check", path, "--select", "POL306"]) == 1
    assert main(["check", path, "--ignore", "POL777"]) == 2
    assert "no code begins with POL777" in capsys.readouterr().err
    broken = write(tmp_path, "polc: 1\nzoens: {}\n")
    assert main(["check", broken, "--ignore", "POL101"]) == 2
    assert "error[POL101]" in capsys.readouterr().out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, LOCKED)
    assert main(["check", path, "--output-format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["code"], found["severity"], found["path"]) == ("POL306", "warning", path)
    assert (found["labels"][0]["line"], found["labels"][0]["column"]) == (2, 1)
    assert main(["check", str(tmp_path / "missing"), "--output-format", "json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["code"], found["path"]) == ("POL001", str(tmp_path / "missing"))


def test_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, LOCKED.replace("    - use loop", "    - drop\n    - use loop"))
    assert main(["check", path, "--output-format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == rules
    assert {result["level"] for result in run["results"]} <= {"error", "warning", "note"}
    dead = next(result for result in run["results"] if result["ruleId"] == "POL305")
    region = dead["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (7, 7)
    assert dead["relatedLocations"][0]["message"]["text"] == "takes every packet"


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("# polc: ignore POL306 because of the console", []),
        ("# polc: ignore POL305, POL306 because of the console", []),
        ("# polc: ignore POL306", ["POL306", "POL390"]),
        ("# polc: ignore POL306 because", ["POL306", "POL390"]),
        ("# polc: ignore because I say so", ["POL306", "POL390"]),
        ("# polc: ignore POL101 because errors stay", ["POL306", "POL390"]),
        ("# polc: ignore POL999 because nothing", ["POL306", "POL390"]),
        ("# polc: ignore POL302 because replies are rude", ["POL306", "POL390"]),
    ],
)
@pytest.mark.parametrize("above", [True, False])
def test_suppressions(comment: str, left: list[str], above: bool, tmp_path: Path,
                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    place = f"{comment}\ninput:\n" if above else f"input: {comment}\n"
    assert main(["check", write(tmp_path, LOCKED.replace("input:\n", place)), "--output-format", "json"]) == bool(left)
    assert sorted(one["code"] for one in json.loads(capsys.readouterr().out)) == left


HIDES = "# polc: ignore POL306 because of the console"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"input: {{default: drop, rules: [use stateful, use loopback, use icmp-essentials]}} {HIDES}\n", []),
        (f"input: {{default: drop, {HIDES}\n  rules: [use stateful, use loopback, use icmp-essentials]}}\n", []),
        (f"# the guard, {HIDES}\n" + LOCKED[8:], []),
        # In quotes it is a text like any other.
        (f"input: {{default: drop, rules: ['log \"{HIDES}\" limit 5/minute']}}\n", ["POL306"]),
        (f'input: {{default: drop, rules: ["accept tcp/80 comment \\"{HIDES}\\""]}}\n', ["POL306"]),
        (f"input: {{default: drop, rules: [{{rule: accept tcp/80, comment: '{HIDES}'}}]}}\n", ["POL306"]),
    ],
)
def test_only_comments_hide(text: str, left: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", write(tmp_path, f"polc: 1\n{text}"), "--select", "POL306,POL390", "--output-format", "json"])
    assert [one["code"] for one in json.loads(capsys.readouterr().out)] == left


def test_json_has_no_suppressions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"polc": 1, "input": {"default": "drop", "rules": [f"accept tcp/80 comment '{HIDES}'"]}})
                    .replace("'", '\\"'))  # fmt: skip
    assert main(["check", str(path), "--select", "POL306,POL390"]) == 1
    assert "warning[POL306]" in capsys.readouterr().out
    assert main(["check", str(path), "--ignore", "POL30"]) == 0


NATIVE = "polc: 1\ninput:\n  default: accept\n  rules:\n  - {native: {nft: 'counter'}}\n"


def test_notes_of_reading_are_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, NATIVE)
    assert main(["check", path]) == 0
    out = capsys.readouterr().out
    assert "note[POL251]" in out
    assert f"--> {path}:5:5" in out
    assert main(["check", path, "--ignore", "POL251"]) == 0
    assert main(["check", path, "--select", "POL3"]) == 0
    ignored = NATIVE.replace("'}}", "'}} # polc: ignore POL251 because of the lab")
    assert main(["check", write(tmp_path, ignored)]) == 0
    assert capsys.readouterr().out == ""


def test_compile_tells_the_notes_beside_its_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", write(tmp_path, NATIVE), "--target", "nft", "--format", "text"]) == 0
    told = capsys.readouterr()
    assert "note[POL251]" in told.err
    assert "counter" in told.out


def test_tests_that_cannot_be_read_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "polc: 1\ninput: {default: accept}\ntests:\n  - accept tcp 198.51.100.9 > host:22 in eth0\n")
    assert main(["check", path]) == 2
    assert f"--> {path}:4:" in capsys.readouterr().out


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code.lower()]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{code}: {CODES[code].title}\n")
    assert all(heading in out for heading in ("What it says", "Why it matters", "Instead"))
    assert max(map(len, out.splitlines())) < 120


@pytest.mark.parametrize("concept", concepts())
def test_every_concept_has_an_example_that_is_clean(
    concept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", concept]) == 0
    page = capsys.readouterr().out
    assert page == read_concept(concept)
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        path = write(tmp_path, block)
        assert all(compile_policy(path, target).files for target in ("nft", "iptables"))
        assert main(["check", path]) == 0, capsys.readouterr().out


def test_explain_lists_and_hints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    listed = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  ")]
    topics = {**concepts(), **{name: code.title for name, code in CODES.items()}}
    assert listed == [[name, title] for name, title in topics.items()]
    assert [line for line in out.splitlines() if not line.startswith("  ")] == ["concepts:", "codes:"]
    assert main(["explain", "POL30"]) == 2
    assert main(["explain", "sate"]) == 2
    assert "did you mean `state`?" in capsys.readouterr().err


SAVED = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 1:1024 -j DROP
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
COMMIT
"""


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, int, list[int]]]:
    """Code, line, and the lines of what is pointed out with it."""
    main(["check", *arguments, "--output-format", "json"])
    return [
        (one["code"], one["labels"][0]["line"], [label["line"] for label in one["labels"][1:]])
        for one in json.loads(capsys.readouterr().out)
    ]


def test_rulesets_of_iptables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.v4.save"
    path.write_text(SAVED)
    assert findings(capsys, str(path)) == [("POL320", 7, [6])]
    assert main(["check", str(path)]) == 1
    assert f"--> {path}:7:1" in capsys.readouterr().out
    assert findings(capsys, str(path), "--ignore", "POL320") == []
    # What is redundant is a note, and what is correlated is asked for.
    path.write_text(SAVED.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 2000 -j DROP\nCOMMIT"))
    assert findings(capsys, str(path), "--select", "POL322") == [("POL322", 9, [])]
    path.write_text(SAVED.replace("-s 192.0.2.0/24 -p tcp -m tcp --dport 22", "-s 192.0.2.0/24 -p tcp"))
    assert findings(capsys, str(path)) == []
    assert findings(capsys, str(path), "--select", "POL324") == [("POL324", 6, [5]), ("POL324", 7, [6])]


def test_suppressions_in_rulesets_of_iptables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.v4.save"
    path.write_text(SAVED.replace("-A INPUT -s", "# polc: ignore POL320 because of the console\n-A INPUT -s"))
    assert findings(capsys, str(path)) == []
    path.write_text(SAVED.replace("-A INPUT -p udp", "# polc: ignore POL320 because of the console\n-A INPUT -p udp"))
    assert [one[0] for one in findings(capsys, str(path))] == ["POL320", "POL390"]


def test_rulesets_of_nft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = "polc: 1\ninput: {default: drop, rules: [use stateful, drop tcp/1-1024, accept tcp/22]}\n"
    from polc.compiler import compile_policy

    source = tmp_path / "policy.yaml"
    source.write_text(policy)
    (file,) = compile_policy(str(source), "nft", format="json").files
    path = tmp_path / "ruleset.json"
    path.write_text(file.text)
    assert [one[0] for one in findings(capsys, str(path), "--select", "POL320")] == ["POL320"]


TESTED = """\
polc: 1
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept tcp/22 state new
    - accept tcp/80 state new
tests:
  - accept tcp 198.51.100.9 -> host:22 in eth0
"""


def test_tests_that_the_policy_contradicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, TESTED)
    assert findings(capsys, path) == [("POL326", 9, [])]
    both = TESTED + "  - accept tcp 198.51.100.9 -> host:80 in eth0\n"
    path = write(tmp_path, both)
    assert findings(capsys, path) == []
    path = write(tmp_path, both + "  - drop tcp 198.51.100.9 -> host:80 in eth0\n")
    assert findings(capsys, path) == [("POL328", 13, [9])]
    assert findings(capsys, path, "--select", "POL326") == []
    path = write(
        tmp_path, both + "  - accept tcp 198.51.100.9 -> host:81 in eth0 # polc: ignore POL328 because later\n"
    )
    assert findings(capsys, path) == []
    # A scenario is told at its step, and those of a file beside the policy count.
    path = write(tmp_path, both)
    (tmp_path / "policy.tests.yaml").write_text(
        "polc: 1\ntests:\n  - scenario: a visit\n    steps:\n"
        "      - {packet: 'tcp 198.51.100.9:4000 -> host:22 in eth0', expect: accept}\n"
        "      - {reply: true, expect: drop}\n"
    )
    ((code, line, _),) = findings(capsys, path)
    assert (code, line) == ("POL328", 6)


def test_policies_without_tests_are_not_asked_for_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys, write(tmp_path, TESTED.partition("tests:")[0])) == []
