"""The pull agent: a local repository with signed commits, and a firewall in a namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polc.kernel.netns import Namespace, ScratchNamespace

AGENT = Path(__file__).parents[2] / "integrations" / "pull-agent" / "polc-pull"
pytestmark = pytest.mark.kernel("nft", "conntrack")

POLICY = """\
polc: 1
input:
  default: drop
  rules: [use stateful, use loopback, accept ssh state new, accept tcp/{port} state new]
"""


class Agent:
    """A repository that signs, and a host that pulls from it."""

    def __init__(self, host: Namespace, place: Path) -> None:
        self.host, self.place = host, place
        self.repository = place / "origin"
        for name in ("key", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
        public = (place / "key.pub").read_text()
        (place / "allowed_signers").write_text(f'ops@example.org namespaces="git" {public}')
        self.git("init", "--quiet", "--initial-branch=main", str(self.repository), cwd=place)
        (place / "pull.conf").write_text(
            f"REPOSITORY={self.repository}\nPOLICY=policy.yaml\nSIGNERS={place}/allowed_signers\nCONFIRM=5\n"
            f"STATE={place}/state\nSTATE_DIR={place}/polc\nPOLC='{Path(sys.executable).with_name('polc')}'\n"
        )

    def git(self, *argv: str, cwd: Path | None = None, key: str = "key") -> str:
        settings = {
            "gpg.format": "ssh", "user.signingkey": str(self.place / key), "user.name": "ops",
            "user.email": "ops@example.org",
        }  # fmt: skip
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        where = cwd or self.repository
        return subprocess.run(["git", *words, *argv], cwd=where, check=True, capture_output=True, text=True).stdout

    def commit(self, port: int, *, key: str = "key", sign: bool = True) -> str:
        (self.repository / "policy.yaml").write_text(POLICY.format(port=port))
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", f"port {port}", "-S" if sign else "--no-gpg-sign", key=key)
        return self.git("rev-parse", "HEAD").strip()

    def configured(self, **settings: str) -> Path:
        text = (self.place / "pull.conf").read_text() + "".join(f"{name}='{one}'\n" for name, one in settings.items())
        other = self.place / "other.conf"
        other.write_text(text)
        return other

    def run(self, configuration: Path, *options: str) -> subprocess.CompletedProcess[str]:
        # Git looks at who owns a repository, and a user namespace shows other owners.
        trusting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        words = [f"{name}={value}" for name, value in {**trusting, "HOME": str(self.place)}.items()]
        return self.host.run(["env", *words, str(AGENT), *options, str(configuration)])

    def pull(self, *options: str, **settings: str) -> tuple[int, dict[str, Any]]:
        done = self.run(self.configured(**settings), *options)
        assert (self.place / "state/report.json").exists(), done.stderr
        report: dict[str, Any] = json.loads((self.place / "state/report.json").read_text())
        assert f"polc-pull: {report['result']}:" in done.stdout, done.stdout + done.stderr
        return done.returncode, report

    def open_ports(self) -> str:
        return self.host.run(["nft", "--stateless", "list", "ruleset"]).stdout


@pytest.fixture
def agent() -> Iterator[Agent]:
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="polc-") as place, ScratchNamespace() as host:
        host.run(["ip", "link", "set", "lo", "up"])
        yield Agent(host, Path(place))


def test_signed_commits_are_applied_and_others_are_not(agent: Agent) -> None:
    first = agent.commit(8001)
    status, report = agent.pull("-n")
    assert (status, report["result"]) == (0, "planned")
    assert report["plan"]["changed"]
    assert "8001" not in agent.open_ports()

    status, report = agent.pull()
    assert (status, report["result"], report["commit"]) == (0, "applied", first)
    assert "8001" in agent.open_ports()
    status, report = agent.pull()
    assert (status, report["result"]) == (0, "unchanged")

    agent.commit(8002, key="stranger")
    status, report = agent.pull()
    assert (status, report["result"]) == (2, "unsigned")
    agent.commit(8003, sign=False)
    status, report = agent.pull()
    assert (status, report["result"]) == (2, "unsigned")
    assert "8001" in agent.open_ports()

    agent.commit(8004)
    assert agent.pull()[1]["result"] == "applied"
    agent.git("reset", "--quiet", "--hard", first)
    status, report = agent.pull()
    assert (status, report["result"]) == (2, "older")
    assert "8004" in agent.open_ports()
    assert agent.pull("-f")[1]["result"] == "applied"
    assert "8001" in agent.open_ports()


def test_what_fails_its_check_goes_back_and_is_not_tried_again(agent: Agent) -> None:
    agent.commit(8001)
    assert agent.pull()[0] == 0
    agent.commit(8002)
    reports = agent.place / "reports"
    status, report = agent.pull(CHECK="false", REPORT=f'cat "$1" >>{reports}')
    assert (status, report["result"]) == (1, "failed")
    assert "8001" in agent.open_ports()
    assert "8002" not in agent.open_ports()
    assert json.loads(reports.read_text()) == report
    status, report = agent.pull()
    assert (status, report["result"]) == (1, "failed")
    assert "has failed here before" in report["message"]
    last = agent.commit(8003)
    status, report = agent.pull()
    assert (status, report["result"], report["commit"]) == (0, "applied", last)


def test_an_agent_that_dies_before_it_confirms_leaves_what_ran_before(agent: Agent) -> None:
    agent.commit(8001)
    assert agent.pull()[0] == 0
    agent.commit(8002)
    # The check kills the agent, which is the shell that runs it.
    agent.run(agent.configured(CHECK="kill -9 $PPID"))
    assert "8002" in agent.open_ports()
    deadline = time.monotonic() + 20
    while "8001" not in agent.open_ports():
        assert time.monotonic() < deadline, "nobody went back"
        time.sleep(0.2)
    assert agent.pull()[1]["result"] == "applied", "the lock is free"


def test_an_inventory_has_this_host(agent: Agent) -> None:
    (agent.repository / "inventory.yaml").write_text(
        "polc-inventory: 1\nhosts:\n  gate:\n    include: policy.yaml\n"
        "    policy: {input: {rules: [accept tcp/9009 state new]}}\n"
    )
    agent.commit(8001)
    assert agent.pull(INVENTORY="inventory.yaml", POLICY="", HOST="gate")[1]["result"] == "applied"
    assert "9009" in agent.open_ports()
    assert agent.pull(INVENTORY="inventory.yaml", POLICY="", HOST="nobody")[0] == 2


def test_an_unreachable_repository_changes_nothing(agent: Agent) -> None:
    agent.commit(8001)
    assert agent.pull()[0] == 0
    status, report = agent.pull(REPOSITORY=str(agent.place / "nowhere"))
    assert (status, report["result"]) == (1, "unreachable")
    assert "8001" in agent.open_ports()
