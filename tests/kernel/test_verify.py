"""``verify``: what is loaded is read back and compared; a machine that lacks something says which."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import EXAMPLES

from polc.backends.model import Output, OutputFile
from polc.backends.registry import BACKENDS
from polc.cli.main import main
from polc.compiler import ANY_APPROXIMATION, compile_policy, read
from polc.diagnostics import Diagnostic, Failure
from polc.kernel import loaders, programs
from polc.kernel.devices import add_devices, devices_of
from polc.kernel.loaders import LOADERS
from polc.kernel.netns import Namespace
from polc.kernel.verify import Difference, Result, exit_status, verify

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "ftp-helper")


def compiled(example: str) -> dict[str, Output]:
    allow = frozenset({ANY_APPROXIMATION})
    return {target: compile_policy(str(EXAMPLES / example), target, allow=allow) for target in BACKENDS}


@ALL
@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_is_held_by_every_loader(example: str) -> None:
    results = verify(compiled(example))
    assert [result.loader for result in results] == ["nft", "iptables-nft", "iptables-legacy"]
    for result in results:
        assert result.files
        assert result.verified, result
    assert exit_status(results) == 0


def without_last_rule(output: Output) -> Output:
    """The output, but for the last rule of its first file."""
    first, *rest = output.files
    if first.name == "rules.v4":
        lines = first.text.splitlines(keepends=True)
        del lines[max(number for number, line in enumerate(lines) if line.startswith("-A "))]
        text = "".join(lines)
    else:
        commands = json.loads(first.text)["nftables"]
        del commands[max(number for number, command in enumerate(commands) if "rule" in command.get("add", ()))]
        text = json.dumps({"nftables": commands})
    return replace(output, files=(OutputFile(first.name, text), *rest))


@ALL
@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.name)
def test_a_rule_that_did_not_arrive_is_a_difference(loader: loaders.Loader, scratch: Namespace) -> None:
    output = compiled("ssh-guard.yaml")[loader.target]
    loader.load(scratch, without_last_rule(output))
    first, *rest = zip(output.files, loader.read_back(scratch, output), strict=True)
    assert loader.differences(first[0].text, first[1].text)
    assert not any(loader.differences(emitted.text, listed.text) for emitted, listed in rest)


@ALL
@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.name)
def test_loading_again_replaces(loader: loaders.Loader, scratch: Namespace) -> None:
    outputs = [compiled(example)[loader.target] for example in ("ftp-client.yaml", "ssh-guard.yaml")]
    for output in (*outputs, outputs[-1]):
        loader.load(scratch, output)
    for emitted, listed in zip(outputs[-1].files, loader.read_back(scratch, outputs[-1]), strict=True):
        found = loader.differences(emitted.text, listed.text)
        # A table of iptables that a file does not name stays as it was: here the helpers of the first.
        assert all("raw" in sentence for sentence in found), found


GOOD_RULES = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
BAD_RULES = {
    "syntax": "*filter\n-A INPUT -p tcp --dport 70000 -j DROP\nCOMMIT\n",
    "no COMMIT": "*filter\n-A INPUT -p tcp --dport 22 -j DROP\n-A",
    "no such chain": "*filter\n-A INPUT -p tcp --dport 22 -j NOWHERE\nCOMMIT\n",
    "not for this hook": "*filter\n-A INPUT -p tcp --dport 22 -j TPROXY --on-port 1\nCOMMIT\n",
}


@pytest.mark.kernel("iptables-nft", "iptables-legacy")
@pytest.mark.parametrize("loader", LOADERS[1:], ids=lambda loader: loader.name)
@pytest.mark.parametrize("bad", BAD_RULES.values(), ids=BAD_RULES)
def test_a_refusal_has_the_words_of_the_tool(loader: loaders.Loader, scratch: Namespace, bad: str) -> None:
    with pytest.raises(Failure) as refused:
        loader.load(scratch, Output((OutputFile("rules.v4", GOOD_RULES), OutputFile("rules.v6", bad))))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "POL603"
    tool, _, words = diagnostic.message.partition(" failed: ")
    assert tool.startswith(f"`ip6tables-{loader.name.removeprefix('iptables-')}-restore")
    assert words


@pytest.mark.kernel("iptables-nft", "iptables-legacy")
@pytest.mark.parametrize("loader", LOADERS[1:], ids=lambda loader: loader.name)
def test_a_file_that_the_tool_refuses_keeps_the_others_out(loader: loaders.Loader, scratch: Namespace) -> None:
    with pytest.raises(Failure):
        loader.load(scratch, Output((OutputFile("rules.v4", GOOD_RULES), OutputFile("rules.v6", BAD_RULES["syntax"]))))
    (v4,) = loader.read_back(scratch, Output((OutputFile("rules.v4", GOOD_RULES),)))
    assert ":INPUT DROP" not in v4.text


@ALL
def test_what_a_kernel_refuses_is_a_problem_of_that_loader_alone() -> None:
    outputs = compiled("ssh-guard.yaml")
    broken = outputs["nft"].files[0].text.replace('"hook": "input"', '"hook": "inputt"')
    broken = broken.replace('"hook":"input"', '"hook":"inputt"')
    outputs["nft"] = Output((OutputFile(outputs["nft"].files[0].name, broken),))
    nft, *others = results = verify(outputs)
    assert [problem.code for problem in nft.problems] == ["POL603"]
    assert all(result.verified for result in others)
    assert exit_status(results) == 3


@ALL
def test_a_missing_loader_is_a_problem_of_that_loader_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def which(program: str, path: str = "", found: object = shutil.which) -> str | None:
        assert callable(found)
        return None if "legacy" in program else found(program, path=path)

    monkeypatch.setattr(programs.shutil, "which", which)
    *others, legacy = results = verify(compiled("ssh-guard.yaml"))
    (problem,) = legacy.problems
    assert problem.code == "POL601"
    assert "`iptables`" in problem.help
    assert all(result.verified for result in others)
    assert exit_status(results) == 3


@ALL
def test_the_verb_prints_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(EXAMPLES / "ssh-guard.yaml")]) == 0
    printed = capsys.readouterr().out.splitlines()
    names = [loader.name for loader in LOADERS]
    assert [line.partition(":")[0] for line in printed[:6]] == [*names, *names]
    assert all(line.endswith("packets, all as expected; 5 of 5 rules decide one") for line in printed[3:]), printed


GOOD = Result("nft", "nft", ("f",))
DIFFERENT = Result("nft", "nft", ("f",), differences=(Difference("f", "a rule is missing"),))
IMPOSSIBLE = Result("nft", "nft", ("f",), problems=(Diagnostic("POL601", "missing"),))
STATUSES: Mapping[tuple[Result, ...], int] = {
    (): 0,
    (GOOD, GOOD): 0,
    (GOOD, IMPOSSIBLE): 3,
    (GOOD, DIFFERENT): 1,
    (IMPOSSIBLE, DIFFERENT): 1,
}


@pytest.mark.kernel("nft")
def test_a_loader_names_its_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What iptables cannot say is nothing to nft."""
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\noutput: {default: drop, rules: [accept udp/1 where meta priority 1:10]}\n")
    assert main(["verify", str(path), "--loader", "nft"]) == 0
    assert "1 of 1 rules decide one" in capsys.readouterr().out
    assert main(["verify", str(path)]) == 2
    assert "iptables does not match `meta priority`" in capsys.readouterr().err


def test_a_loader_of_another_target_is_no_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\ninput: {default: drop}\n")
    assert main(["verify", str(path), "--target", "iptables", "--loader", "nft"]) == 2
    assert "--loader nft loads nothing of --target iptables" in capsys.readouterr().err
    assert main(["verify", str(path), "--target", "nft", "--loader", "nft", "--loader", "iptables-legacy"]) == 2


@pytest.mark.parametrize(("results", "status"), STATUSES.items())
def test_exit_status(results: tuple[Result, ...], status: int) -> None:
    assert exit_status(results) == status


@pytest.mark.kernel("iptables-nft")
def test_a_tool_that_takes_too_long_is_a_problem_of_that_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "LONGEST", 0.0001)
    result = next(one for one in verify(compiled("ssh-guard.yaml")) if one.loader == "iptables-nft")
    assert [problem.code for problem in result.problems] == ["POL603"]
    assert "it took more than" in result.problems[0].message


OF_DEVICES = """\
polc: 1
ingress:
  eth7: {default: accept, rules: [drop udp/9]}
  lo: {default: accept}
flowtables: {fast: {devices: [eth7, eth8]}}
"""


def test_the_interfaces_of_a_ruleset_are_known(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(OF_DEVICES)
    assert devices_of(read(str(path))) == ("eth7", "lo", "eth8")


@pytest.mark.kernel
def test_interfaces_are_made_where_they_are_not(scratch: Namespace) -> None:
    add_devices(scratch, ("eth7", "lo", "tunl0", "eth8"))
    add_devices(scratch, ("eth8",))
    found = scratch.run(["ip", "-o", "link"]).stdout
    assert " eth7@" in found
    assert " eth8@" in found
    with pytest.raises(Failure, match="POL603: the interface `a/b` could not be made"):
        add_devices(scratch, ("a/b",))
