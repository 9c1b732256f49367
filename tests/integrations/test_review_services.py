"""The steps of the composite action and of GitLab's template, run as those services run them: their shells, their
variables, a checkout of one commit. What they would install with apt has to be here already.
"""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

ROOT = Path(__file__).parents[2]
POLICY = "polc: 1\ninput:\n  default: drop\n  rules: [use stateful, use loopback, use icmp-essentials, accept ssh]\n"
# apt says what it would install; sudo and gh are not on every machine.
PROGRAMS = {
    "apt-get": 'case " $* " in *" update "*) exit 0 ;; esac\n/usr/bin/apt-get --simulate "$@" | tee -a "$CALLED/apt"',
    "sudo": 'exec "$@"',
    "gh": 'printf "%s\\n" "$@" >"$CALLED/gh"; printf %s "$GH_TOKEN" >"$CALLED/token"; cat "$7" >"$CALLED/comment"',
}
pytestmark = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset", "conntrack")


class Checkout:
    """Of the last commit of a branch alone, as the services have it, of a repository at ``origin``."""

    def __init__(self, place: Path) -> None:
        self.place, self.path = place, place / "checkout"
        origin = place / "origin"
        self.git("init", "--quiet", "--initial-branch=main", str(origin), cwd=place)
        self.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=origin)
        (origin / "web.yaml").write_text(POLICY)
        (origin / "db.yaml").write_text(POLICY)
        self.git("add", "-A", cwd=origin)
        self.git("commit", "--quiet", "-m", "first", cwd=origin)
        self.base = self.git("rev-parse", "HEAD", cwd=origin).strip()
        (origin / "web.yaml").write_text(POLICY.replace("accept ssh", "accept ssh, accept tcp/8080"))
        self.git("commit", "--quiet", "-am", "second", cwd=origin)
        self.git("clone", "--quiet", "--depth=1", f"file://{origin}", str(self.path), cwd=place)
        for name, text in PROGRAMS.items():
            program = place / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)

    def git(self, *argv: str, cwd: Path) -> str:
        known = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(["git", *known, *argv], cwd=cwd, check=True, capture_output=True, text=True).stdout

    def environment(self, first: Path | None = None, **variables: str) -> dict[str, str]:
        """Of a job: nothing of ours but where programs are; ``first`` is looked at before all others."""
        path = [*([str(first)] if first else []), str(self.place / "bin"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
        return {**kept, "PATH": ":".join(path), "HOME": str(self.place), "CALLED": str(self.place), **variables}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def expression(text: str, known: dict[str, str]) -> str:
    """GitHub's ``${{ ... }}``: here they are names alone."""
    return re.sub(r"\$\{\{ ([a-z_.]+) \}\}", lambda found: known[found[1]], text)


def holds(condition: str, known: dict[str, str]) -> bool:
    """The ``if`` of a step: comparisons of names with strings, joined by ``&&``."""
    for term in condition.split(" && "):
        if term == "always()":
            continue
        found = re.fullmatch(r"([a-z_.]+) (==|!=) '([^']*)'", term)
        assert found, term
        if (known[found[1]] == found[3]) is not (found[2] == "=="):
            return False
    return True


def github(checkout: Checkout, first: int = 0, **inputs: str) -> list[tuple[str, subprocess.CompletedProcess[str]]]:
    """The steps that were run, by name: from the ``first`` on, up to one that failed, and those that run always."""
    action: dict[str, Any] = yaml.safe_load((ROOT / "integrations/github/action.yml").read_text())
    temp = checkout.place / "temp"
    temp.mkdir(exist_ok=True)
    output = temp / "output"
    known = {
        "github.action_path": str(ROOT / "integrations/github"), "github.event_name": "pull_request",
        "github.event.pull_request.base.sha": checkout.base, "github.event.pull_request.number": "7",
        "github.token": "secret", "steps.review.outputs.report": "",
    }  # fmt: skip
    given = {name: expression(str(one.get("default", "")), known) for name, one in action["inputs"].items()} | inputs
    known |= {f"inputs.{name}": value for name, value in given.items()}
    done: list[tuple[str, subprocess.CompletedProcess[str]]] = []
    for step in action["runs"]["steps"][first:]:
        condition = step.get("if", "")
        if any(one.returncode for _, one in done) and "always()" not in condition:
            continue
        if condition and not holds(condition, known):
            continue
        script = temp / "step.sh"
        script.write_text(expression(step["run"], known))
        own = {name: expression(value, known) for name, value in step.get("env", {}).items()}
        assert step["shell"] == "bash"
        environment = checkout.environment(
            **own, RUNNER_TEMP=str(temp), GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(temp / "summary")
        )
        # As docs.github.com has it of `shell: bash`.
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=checkout.path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        done.append((step["name"], ran))
        for line in output.read_text().splitlines() if output.exists() else ():
            name, _, value = line.partition("=")
            known[f"steps.{step.get('id', '')}.outputs.{name}"] = value
    return done


def test_the_action_reviews_and_comments(checkout: Checkout) -> None:
    done = github(checkout, policies="web.yaml\ndb.yaml")
    assert [(name, ran.returncode) for name, ran in done] == [
        ("Install nftables, iptables, ipset and polc", 0), ("Fetch the commit to compare with", 0), ("Review", 0),
        ("Comment", 0),
    ], [ran.stderr for _, ran in done]  # fmt: skip
    assert not re.search(r"^Inst ", (checkout.place / "apt").read_text(), re.MULTILINE), "all of it is there"
    comment = (checkout.place / "comment").read_text()
    assert "| verify | ok |" in comment
    assert "tcp/8080" in comment.partition("## `db.yaml`")[0]
    assert "drop => accept" not in comment.partition("## `db.yaml`")[2]
    assert (checkout.place / "temp/summary").read_text() == comment
    words = (checkout.place / "gh").read_text().split()
    assert words[:4] == ["pr", "comment", "7", "--edit-last"]
    assert (checkout.place / "token").read_text() == "secret"

    # A finding fails the step, and is commented all the same; verify=false leaves that out.
    (checkout.path / "web.yaml").write_text(POLICY.replace("accept ssh", "accept shh"))
    done = github(checkout, first=1, policies="web.yaml", verify="false")
    assert [(name, ran.returncode) for name, ran in done][-2:] == [("Review", 2), ("Comment", 0)]
    comment = (checkout.place / "comment").read_text()
    assert "unknown service `shh`" in comment
    assert "verify" not in comment


@contextmanager
def api() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """GitLab's API: its address, and path, token and text of each note that it gets."""
    notes: list[tuple[str, str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            notes.append((self.path, self.headers["PRIVATE-TOKEN"], form["body"][0]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v4", notes
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_template_reviews_and_posts(checkout: Checkout) -> None:
    job = yaml.safe_load((ROOT / "integrations/gitlab/polc-review.yml").read_text())[".polc-review"]
    # GIT_DEPTH is 0: the whole history.
    assert job["variables"]["GIT_DEPTH"] == "0"
    checkout.git("fetch", "--quiet", "--unshallow", "origin", cwd=checkout.path)
    own = checkout.place / "python"
    subprocess.run([sys.executable, "-m", "venv", str(own)], check=True)

    def run(address: str, **variables: str) -> subprocess.CompletedProcess[str]:
        given = {
            **job["variables"], "POLC_POLICIES": "web.yaml db.yaml", "POLC_PACKAGE": str(ROOT),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": checkout.base, "CI_API_V4_URL": address, "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "7", **variables,
        }  # fmt: skip
        # One shell for all: a runner joins them, and stops at the first that fails.
        before = [] if (own / "bin/polc-review").exists() else job["before_script"]
        script = "\n".join(["set -eo pipefail", *before, *job["script"]])
        environment = checkout.environment(own / "bin", **given)
        return subprocess.run(
            ["bash"], input=script, cwd=checkout.path, env=environment, capture_output=True, text=True
        )

    with api() as (address, notes):
        done = run(address, POLC_TOKEN="secret", POLC_VERIFY="yes")
        assert done.returncode == 0, done.stderr
        comment = (checkout.path / job["artifacts"]["paths"][0]).read_text()
        assert notes == [("/api/v4/projects/5/merge_requests/7/notes", "secret", comment)]
        assert "tcp/8080" in comment.partition("## `db.yaml`")[0]
        assert "| verify | ok |" in comment

        (checkout.path / "web.yaml").write_text(POLICY.replace("accept ssh", "accept shh"))
        done = run(address)
        assert done.returncode == 2, "what it finds fails the job"
        assert len(notes) == 1, "without a token nothing is posted"
        comment = (checkout.path / "polc-review.md").read_text()
        assert "unknown service `shh`" in comment
        assert "verify" not in comment
