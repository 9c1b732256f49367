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
POLICY = """\
polc: 1
include: parts/admins.yaml
zones: {wan: eth0}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept ssh from wan @admins state new
    - accept tcp/443 from wan state new
forward: {default: drop, rules: [use stateful, use icmp-essentials]}
tests:
  - accept tcp 198.51.100.9:40000 -> host:22 in eth0
assert:
  - never accept ssh from wan not @admins state new
"""
ADMINS = "polc: 1\naddresses: {admins: [198.51.100.0/24]}\n"
PLAIN = "polc: 1\ninput:\n  default: drop\n  rules: [use stateful, use loopback, use icmp-essentials, accept ssh]\n"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository whose branch `change` begins at this commit, and whose `main` has gone on since."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    for name, text in {"web.yaml": POLICY, "parts/admins.yaml": ADMINS, "plain.yaml": PLAIN}.items():
        path = Path("policies", name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    Path(".gitignore").write_text("polc-review.md\n")
    commit("first")
    found = git("rev-parse", "HEAD").strip()
    git("switch", "--quiet", "-c", "change")
    git("switch", "--quiet", "main")
    change("plain.yaml", "accept ssh", "accept tcp/2222")
    commit("somebody else's")
    git("switch", "--quiet", "change")
    assert git("merge-base", "main", "change").strip() == found
    return found


def git(*argv: str) -> str:
    known = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *known, *argv], check=True, capture_output=True, text=True).stdout


def commit(what: str) -> None:
    git("add", "-A")
    git("commit", "--quiet", "-m", what)


def change(name: str, old: str, new: str) -> None:
    path = Path("policies", name)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def review(*argv: str) -> tuple[int, str]:
    done = subprocess.run([REVIEW, *argv], env={**os.environ, "POLC": str(POLC)}, capture_output=True, text=True)
    comment = Path("polc-review.md")
    return done.returncode, comment.read_text() if comment.exists() else done.stderr


def results(comment: str) -> dict[str, str]:
    """What the first table says of each verb."""
    return dict(re.findall(r"^\| ([a-z]+) \| (.*) \|$", comment, re.MULTILINE))


OK = {"check": "ok", "test": "ok", "prove": "ok"}


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset", "conntrack")
def test_all_verbs_have_their_say(base: str) -> None:
    change("web.yaml", "accept tcp/443", "accept tcp/443,8080")
    change("parts/admins.yaml", "198.51.100.0/24", "198.51.100.0/24, 203.0.113.0/28")
    Path("policies/new.yaml").write_text(PLAIN)
    commit("a change")
    status, comment = review("-b", base, "policies/web.yaml", "policies/new.yaml", "policies/plain.yaml")
    assert status == 0, comment
    web, new, plain = re.split(r"^## ", comment, flags=re.MULTILINE)[1:]
    assert results(web) == {**OK, "verify": "ok"}
    assert "| wan → host | tcp/8080 | any | any | **drop => accept** |" in web
    # What an include has changed is a difference of whoever includes it.
    assert "| wan → host | tcp/22 | 203.0.113.0/28 | any | **drop => accept** |" in web
    assert "`before/policies/web.yaml` compared with `policies/web.yaml`" in web, "no places of this run"
    assert results(new)["prove"] == "-", "a policy need not assert anything"
    assert "A new policy." in new
    assert "=>" not in plain, "what main has got meanwhile is no change of this branch"
    assert "/tmp" not in comment
    assert git("worktree", "list").count("\n") == 1, "the other worktree is gone"
    assert git("status", "--porcelain") == ""


def test_each_verb_can_fail(base: str) -> None:
    status, comment = review("-n", "policies/web.yaml")
    assert status == 0, comment
    change("web.yaml", "from wan @admins", "from wan")
    status, comment = review("-n", "-b", base, "policies/web.yaml")
    assert (status, results(comment)) == (1, {**OK, "prove": "**failed (1)**"})
    assert re.search(r"^  tcp .* -> .*:22 in eth0$", comment, re.MULTILINE), "a packet that shows it"
    assert "**drop => accept**" in comment, "the differences all the same"
    git("restore", ".")

    change("web.yaml", "tests:", "tests:\n  - drop tcp 198.51.100.9:40001 -> host:22 in eth0")
    status, comment = review("-n", "policies/web.yaml")
    assert (status, results(comment)) == (1, {**OK, "check": "**failed (1)**", "test": "**failed (1)**"})
    git("restore", ".")

    change("plain.yaml", "accept ssh", "accept shh")
    status, comment = review("-n", "-b", base, "policies/plain.yaml", "policies/web.yaml")
    assert status == 2
    assert "unknown service `shh`" in comment
    assert "`polc diff` failed (2)." in comment
    assert results(comment.partition("## `policies/web.yaml`")[2]) == OK, "the others have their say"
    git("restore", ".")
    assert review("-n", "-b", "nowhere", "policies/web.yaml")[0] == 2
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
