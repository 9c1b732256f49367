"""``polc init``: templates that compile, check and load everywhere, and files that are never replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polc.backends.registry import BACKENDS
from polc.cli.init import TEMPLATES
from polc.cli.main import main
from polc.compiler import compile_policy


@pytest.fixture(params=TEMPLATES)
def policy(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = str(tmp_path / "firewall.yaml")
    assert main(["init", request.param, "-o", path]) == 0
    return path


def test_every_template_has_a_name() -> None:
    folder = Path(__file__).parent.parent / "polc" / "templates"
    assert {one.stem for one in folder.iterdir()} == set(TEMPLATES)


@pytest.mark.parametrize("target", BACKENDS)
def test_it_compiles_exactly(policy: str, target: str) -> None:
    assert compile_policy(policy, target).deviations == ()


def test_check_finds_nothing(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", policy]) == 0
    assert "warning" not in capsys.readouterr().out


def test_rules_that_are_commented_out_are_rules(policy: str) -> None:
    path = Path(policy)
    path.write_text(re.sub(r"^( *)# - ", r"\1- ", path.read_text(), flags=re.MULTILINE))
    assert all(compile_policy(policy, target).files for target in BACKENDS)


def test_a_gateway_translates_ipv4_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "firewall.yaml")
    assert main(["init", "gateway", "-o", path]) == 0
    four, six = compile_policy(path, "iptables").files
    assert "-o eth0 " in four.text
    assert ("MASQUERADE" in four.text, "MASQUERADE" in six.text) == (True, False)


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "hashlimit")
def test_it_loads_and_reads_back(policy: str) -> None:
    assert main(["verify", policy]) == 0


def test_its_commands_name_the_file(policy: str) -> None:
    text = Path(policy).read_text()
    assert f"polc check {policy}" in text
    assert "FILE" not in text


def test_it_writes_policy_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert (tmp_path / "policy.yaml").read_text().startswith("# A server")


def test_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "gateway", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# A gateway")
    assert list(tmp_path.iterdir()) == []


def test_it_replaces_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("mine\n")
    assert main(["init", "-o", str(path)]) == 2
    assert path.read_text() == "mine\n"
    assert "POL051" in capsys.readouterr().err


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert main(["init", "-o", str(tmp_path / "link")]) == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-o", str(tmp_path / "no" / "policy.yaml")]) == 2
    assert "no such file" in capsys.readouterr().err.lower()
