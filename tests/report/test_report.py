"""Reports on policies: each rule is in them, with what became of it; for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from polc.backends.model import Fidelity, Options
from polc.backends.profile import OLDEST
from polc.backends.profile_names import parse_profile
from polc.backends.registry import BACKENDS
from polc.cli.main import main
from polc.compiler import produce, read
from polc.report import as_json, as_text
from polc.report.build import build_report
from polc.report.model import Cost, Report
from polc.resources import read_resource

GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMA = json.loads(read_resource("schemas", "report.schema.json"))

POLICY = """\
polc: 1
addresses:
  banned: {dynamic: true, timeout: 1h, size: 1000}
input:
  default: drop
  rules:
    - use stateful
    - drop from @banned
    - {rule: accept ssh state new, id: shell}
    - drop udp over 10 mbytes/second
    - drop tcp/23 state new hits 5 in 60s per source
    - jump guard tcp/8080
chains:
  guard: [accept from 192.0.2.1, "drop from 198.51.100.0/24, 203.0.113.7"]
"""


def report(path: Path, target: str, form: str = "") -> Report:
    ruleset = read(str(path))
    options = Options(form or BACKENDS[target].formats[0], OLDEST)
    return build_report(ruleset, target, options, produce(ruleset, target, options))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_each_rule_is_told_of(policy: Path) -> None:
    found = {(one.line, one.column): one for one in report(policy, "iptables").rules}
    assert [line for line, _ in found] == [7, 8, 9, 10, 11, 12, 14, 14]
    by_line = {line: one for (line, _), one in found.items()}
    assert (by_line[7].name, by_line[7].emitted, by_line[7].chain) == ("stateful", 4, "input")
    assert by_line[8].constructs == ("ipset banned-v4", "ipset banned-v6")
    assert by_line[9].name == "shell"
    assert by_line[10].fidelity is Fidelity.REFUSED
    assert [one.name for one in by_line[10].differences] == ["limit-bytes"]
    assert (by_line[10].emitted, by_line[11].emitted) == (0, 4)
    # Two rules of one line are two.
    first, second = (one for (line, _), one in found.items() if line == 14)
    assert (first.emitted, second.emitted) == (1, 2)


def test_approximations_are_told_with_their_difference(policy: Path) -> None:
    (one,) = (one for one in report(policy, "nft").rules if one.fidelity is Fidelity.APPROXIMATE)
    assert one.line == 11
    assert one.differences[0].name == "hits-as-ban"
    assert "bucket" in one.differences[0].message
    assert any(each.startswith("meter ") for each in one.constructs)


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_packets_cost_on_nft(policy: Path, form: str) -> None:
    found = report(policy, "nft", form)
    chains = {one.name: one for one in found.chains}
    assert chains["input"].hook == "filter at input, priority 0"
    # 12 of its own and 2 of `guard`; each rule with a group, and two of the four for hits, look into one set, the
    # others for hits into two, and `guard` into one that stands in its rule.
    assert chains["input"].worst == Cost(14, 9)
    assert chains["input"].established == Cost(1, 0)
    assert found.chains[0].file == ("ruleset.nft.json" if form == "json" else "ruleset.nft")


def test_what_packets_cost_on_iptables(policy: Path) -> None:
    found = {(one.file, one.hook): one for one in report(policy, "iptables").chains if one.rules}
    v4, v6 = found["rules.v4", "filter INPUT"], found["rules.v6", "filter INPUT"]
    assert (v4.rules, v4.worst, v4.established) == (7, Cost(10, 3), Cost(1, 0))
    assert (v6.rules, v6.worst, v6.established) == (7, Cost(7, 3), Cost(1, 0))


def test_sets_and_their_sizes(policy: Path) -> None:
    sets = {one.name: one for one in report(policy, "iptables").sets}
    assert {name: (one.kind, one.size, one.elements) for name, one in sets.items()} == {
        "banned-v4": ("ipset hash:ip", 1000, 0),
        "banned-v6": ("ipset hash:ip", 1000, 0),
    }
    nft = {one.name: (one.kind, one.size) for one in report(policy, "nft").sets}
    assert nft["banned-v4"] == ("set", 1000)
    assert ("meter", 65535) in nft.values()


def test_totals_are_those_of_the_parts(policy: Path) -> None:
    for target in BACKENDS:
        found = report(policy, target)
        totals = found.totals
        assert totals.rules == len(found.rules) == totals.exact + totals.approximate + totals.refused
        assert totals.emitted == sum(one.emitted for one in found.rules)
        assert totals.sets == len(found.sets)
    assert report(policy, "nft").totals.anonymous_elements == 2


def test_what_is_refused_beside_rules(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\nchains: {last: [accept tcp/1]}\ninput: {default: drop, rules: [jump last]}\n")
    found = report(path, "nft")
    assert [(one.line, one.fidelity, one.difference.name) for one in found.elsewhere] == [
        (2, Fidelity.EXACT, "renamed")
    ]
    path.write_text("polc: 1\nsettings: {table: gateway}\ninput: {default: drop, rules: [accept ssh]}\n")
    found = report(path, "nft")
    assert [one.difference.name for one in found.elsewhere] == ["table-name"]
    assert (found.totals.emitted, found.chains) == (0, ())
    path.write_text(
        "polc: 1\naddresses: {a: {dynamic: true, timeout: 1h, size: 16777217}}\n"
        "input: {default: drop, rules: [drop from @a]}\n"
    )
    found = report(path, "iptables")
    assert {one.difference.name for one in found.elsewhere} == {"set-size"}
    # The rule names a set that there is none of.
    assert [one.emitted for one in found.rules] == [0]


def test_native_rules_are_counted_in_both_formats(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\ninput: {default: accept, rules: [{native: {nft: counter accept}}]}\n")
    assert report(path, "nft", "text").rules[0].emitted == 1
    refused = report(path, "nft", "json").rules[0]
    assert refused.fidelity is Fidelity.REFUSED


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_golden_has_its_report(path: Path) -> None:
    for target, backend in BACKENDS.items():
        for form in backend.formats:
            found = report(path, target, form)
            text = as_json.render(found)
            jsonschema.validate(json.loads(text), SCHEMA)
            emitted = sum(one.emitted for one in found.rules)
            # For each family with sets a line asks whether they are complete.
            guards = sum(one.name.startswith("polc-complete") for one in found.sets)
            assert emitted == found.totals.emitted - guards, "a line that came of no rule"
            for one in found.chains:
                assert one.worst.rules >= one.established.rules
            assert as_text.render(found).count("\n") > 5


def test_the_schema_knows_every_key(policy: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    whole = json.loads(as_json.render(report(policy, "iptables")))
    assert whole["report"] == 1
    assert whole["profile"] == {"name": "debian-11", "nft": "0.9.8", "iptables": "1.8.7", "kernel": "5.10"}
    for broken in ({**whole, "more": 1}, {**whole, "totals": {**whole["totals"], "rules": -1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


TEXT = """\
nft (text) for nft=1.0.6: nft 1.0.6, iptables 1.8.7, Linux 5.10
2 rules of the policy: 1 exact, 0 approximate, 1 refused
1 rule emitted in 1 chain; 0 sets with 0 elements, and 1 in rules with 2

place       name  chain  fidelity  emitted  with
p.yaml:5:7        input  exact     1        anonymous set
p.yaml:6:7        input  refused   0

p.yaml:6:7: refused: hits and another limit in one rule have no form in nft

rules looked at + looks into sets, at most, by a packet; and by one of an established flow
chain               hook                         rules  at most  established
ruleset.nft: input  filter at input, priority 0  1      1 + 1    1 + 1
"""


def test_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(
        "polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/80,443\n"
        "    - drop ssh state new hits 10 in 100s per source over 5/minute\n"
    )
    argv = ["compile", "p.yaml", "--target", "nft", "--format", "text", "--for", "nft=1.0.6", "-o", "out.nft"]
    assert main([*argv, "--report", "-"]) == 2
    said = capsys.readouterr()
    assert said.out == TEXT
    assert "error[POL402]" in said.err
    assert not Path("out.nft").exists()


def test_for_machines_even_where_rules_are_refused(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = policy.parent / "deep" / "report.json"
    argv = ["compile", str(policy), "--target", "iptables", "-o", str(policy.parent / "out")]
    assert main([*argv, "--report", str(file), "--report-format", "json"]) == 2
    assert "error[POL402]" in capsys.readouterr().err
    whole = json.loads(file.read_text())
    jsonschema.validate(whole, SCHEMA)
    assert whole["totals"]["refused"] == 1
    assert not (policy.parent / "out").exists()


def test_a_folder_gets_a_file_of_its_own_name(policy: Path) -> None:
    argv = ["compile", str(GOLDEN / "services.yaml"), "--target", "nft", "-o", str(policy.parent / "out.json")]
    assert main([*argv, "--report", str(policy.parent)]) == 0
    assert (policy.parent / "report.txt").read_text().startswith("nft (json) for debian-11")
    assert (policy.parent / "out.json").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--report", "-"], "cannot both go to standard output"),
        (["--report", "-", "-o", "-"], "cannot both go to standard output"),
        (["--report", ""], "--report names no file"),
        (["--report-format", "json"], "--report-format is for --report"),
        (["--report", "x", "--report-format", "yaml"], "invalid choice"),
    ],
)
def test_wrong_usage(more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["compile", str(GOLDEN / "services.yaml"), "--target", "nft", *more])
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert message in said.err


def test_a_report_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["compile", str(GOLDEN / "services.yaml"), "--target", "nft", "-o", "/dev/null"]
    assert main([*argv, "--report", "/dev/null/x"]) == 2
    assert "error[POL051]" in capsys.readouterr().err


def test_of_a_policy_with_errors_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\ninput: {rules: [accept shh]}\n")
    file = tmp_path / "report"
    assert main(["compile", str(path), "--target", "nft", "--report", str(file)]) == 2
    assert "POL203" in capsys.readouterr().err
    assert not file.exists()


def test_the_format_of_nft_changes_what_is_refused_and_nothing_else(policy: Path) -> None:
    as_of = {form: report(policy, "nft", form) for form in BACKENDS["nft"].formats}
    assert as_of["json"].rules == as_of["text"].rules
    assert as_of["json"].totals == as_of["text"].totals


def test_another_profile_has_other_numbers() -> None:
    path = GOLDEN / "endpoints.yaml"
    ruleset = read(str(path))
    found = {}
    for name in ("debian-11", "debian-12"):
        options = Options("json", parse_profile(name))
        found[name] = build_report(ruleset, "nft", options, produce(ruleset, "nft", options)).totals
    assert found["debian-12"].emitted < found["debian-11"].emitted
    assert found["debian-12"].anonymous_sets > found["debian-11"].anonymous_sets
