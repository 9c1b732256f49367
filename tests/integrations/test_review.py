"""What CI runs: `polc-review`, the manifests of pre-commit, GitHub and GitLab."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from polc.cli.main import VERBS

ROOT = Path(__file__).parents[2]
REVIEW = ROOT / "integrations" / "ci" / "polc-review"
POLC = Path(sys.executable).with_name("polc")
POLICY = "polc: 1\ninput:\n  default: drop\n  rules: [use stateful, use loopback, use icmp-essentials, accept ssh]\n"
# check, test and verify are polc's own; of these two only the exit statuses and the words for `nothing` matter here.
FAKE = """\
#!/bin/sh
echo "$*" >>calls
case $1 in
    prove) {prove} ;;
    diff) grep -q 'accept tcp/8080' "$3" && {{ echo "one region: $2"; exit 1; }}; echo same ;;
    *) exec {polc} "$@" ;;
esac
"""
NOTHING = "echo 'polc prove: nothing to prove: write an assertion' >&2; exit 2"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("policy.yaml").write_text(POLICY)
    Path(".gitignore").write_text("calls\nfake\n*.md\n")
    git("add", "-A")
    git("commit", "--quiet", "-m", "first")
    return tmp_path


def git(*argv: str) -> str:
    known = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *known, *argv], check=True, capture_output=True, text=True).stdout


def review(*argv: str, prove: str = NOTHING) -> tuple[int, str]:
    fake = Path("fake")
    fake.write_text(FAKE.format(prove=prove, polc=POLC))
    fake.chmod(0o755)
    done = subprocess.run([REVIEW, "-n", *argv], env={**os.environ, "POLC": "./fake"}, capture_output=True, text=True)
    comment = Path("polc-review.md")
    return done.returncode, comment.read_text() if comment.exists() else done.stderr


def test_differences_are_told_and_are_no_failure(repository: Path) -> None:
    Path("policy.yaml").write_text(POLICY.replace("accept ssh", "accept ssh, accept tcp/8080"))
    Path("new.yaml").write_text(POLICY)
    status, comment = review("-b", "HEAD", "policy.yaml", "new.yaml")
    assert status == 0, comment
    assert "one region: before/policy.yaml\n" in comment, "no place of this run"
    assert "A new policy." in comment
    assert comment.count("| prove | - |") == 2
    assert git("worktree", "list").count("\n") == 1, "the other worktree is gone"
    assert git("status", "--porcelain") == " M policy.yaml\n?? new.yaml\n"


def test_the_worst_is_the_exit_status(repository: Path) -> None:
    assert review("policy.yaml")[0] == 0
    status, comment = review("policy.yaml", prove="echo 'a packet gets through'; exit 1")
    assert status == 1
    assert "| prove | **failed (1)** |" in comment
    assert "a packet gets through" in comment
    Path("policy.yaml").write_text(POLICY.replace("ssh", "shh"))
    status, comment = review("policy.yaml", prove="exit 1")
    assert status == 2
    assert "unknown service `shh`" in comment
    assert review("-b", "nowhere", "policy.yaml")[0] == 2
    assert review()[0] == 2


def test_manifests_name_what_is_there() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["polc-check", "polc-fmt", "polc-test"]
    for hook in hooks:
        program, verb = hook["entry"].split()
        assert (program, verb in VERBS) == ("polc", True)
        taken = re.compile(hook["files"]), re.compile(hook.get("exclude", "^$"))
        for path, wanted in {
            "policy.yaml": True, "policies/web.yaml": True, "firewall/base.yml": True, "docs/notes.yaml": False,
            "policies/readme.md": False,
        }.items():  # fmt: skip
            assert bool(taken[0].search(path) and not taken[1].search(path)) is wanted, (hook["id"], path)

    action = yaml.safe_load((ROOT / "integrations/github/action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    named = set(re.findall(r"inputs\.([a-z]+)", (ROOT / "integrations/github/action.yml").read_text()))
    assert named == set(action["inputs"])
    template = yaml.safe_load((ROOT / "integrations/gitlab/polc-review.yml").read_text())
    assert template[".polc-review"]["artifacts"]["paths"] == ["polc-review.md"]


@pytest.mark.parametrize("script", ["ci/polc-review", "pull-agent/polc-pull"])
def test_scripts_are_sh(script: str) -> None:
    path = ROOT / "integrations" / script
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_the_steps_of_manifests_are_sh() -> None:
    action = yaml.safe_load((ROOT / "integrations/github/action.yml").read_text())
    template = yaml.safe_load((ROOT / "integrations/gitlab/polc-review.yml").read_text())[".polc-review"]
    for text in [step["run"] for step in action["runs"]["steps"]] + template["script"] + template["before_script"]:
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_the_collection_carries_the_unit() -> None:
    unit = (ROOT / "integrations/systemd/polc.service").read_bytes()
    assert (ROOT / "integrations/ansible/roles/firewall/files/polc.service").read_bytes() == unit
