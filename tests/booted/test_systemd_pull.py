"""The pull agent by its timer, on a host that fetches over ssh: signed commits are applied, others are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from machine import Machine, until

AGENT = Path(__file__).parents[2] / "integrations" / "pull-agent"
POLICY = """\
polc: 1
input:
  default: drop
  rules: [use stateful, use loopback, accept ssh state new, accept tcp/{port} state new]
"""
CONFIGURATION = "REPOSITORY=ssh://root@127.0.0.1/srv/firewalls\nPOLICY=policy.yaml\nCONFIRM=8\n"
SOON = """\
[Timer]
OnBootSec=
OnUnitInactiveSec=
OnActiveSec=100ms
OnUnitInactiveSec=1s
AccuracySec=10ms
RandomizedDelaySec=0
"""
KEYS = """
set -eu
umask 077
mkdir -p /root/.ssh /root/gnupg /srv
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
ssh-keyscan 127.0.0.1 >/root/.ssh/known_hosts 2>/dev/null
ssh-keygen -q -t ed25519 -N '' -f /root/signing
printf 'ops@example.org namespaces="git" %s\\n' "$(cat /root/signing.pub)" >/etc/polc/allowed_signers
gpg --homedir /root/gnupg --batch --quiet --passphrase '' --quick-gen-key ops@example.org ed25519 sign
git init --quiet --initial-branch=main /srv/firewalls
git config --global user.name ops
git config --global user.email ops@example.org
"""
TRUST = """
set -eu
umask 077
mkdir -p /etc/polc/gnupg
gpg --homedir /root/gnupg --export | gpg --homedir /etc/polc/gnupg --batch --quiet --import
gpg --homedir /root/gnupg --with-colons --list-keys | awk -F: '/^fpr/ { print $10 ":6:"; exit }' |
    gpg --homedir /etc/polc/gnupg --batch --quiet --import-ownertrust
"""
SIGNING = {
    "none": (),
    "ssh": ("-c", "commit.gpgSign=true", "-c", "gpg.format=ssh", "-c", "user.signingkey=/root/signing"),
    "gpg": ("-c", "commit.gpgSign=true", "-c", "gpg.format=openpgp", "-c", "user.signingkey=ops@example.org"),
}


@pytest.fixture(scope="module")
def pulling(host: Machine) -> Machine:
    """The host as docs/fleet.md has it, but with a timer that looks each second."""
    for name, place in {
        "polc-pull": "/usr/local/sbin/polc-pull", "polc-pull.service": "/etc/systemd/system/polc-pull.service",
        "polc-pull.timer": "/etc/systemd/system/polc-pull.timer",
    }.items():  # fmt: skip
        host.write(place, (AGENT / name).read_text())
    host.do("chmod", "755", "/usr/local/sbin/polc-pull")
    host.write("/etc/polc/pull.conf", CONFIGURATION)
    host.do("sh", "-c", KEYS)
    host.do("systemctl", "daemon-reload")
    host.do("systemctl", "enable", "--now", "--quiet", "polc-pull.timer")
    (due,) = json.loads(host.do("systemctl", "list-timers", "--output=json", "polc-pull.timer"))
    assert due["next"], "two minutes after boot"
    host.write("/etc/systemd/system/polc-pull.timer.d/soon.conf", SOON)
    host.do("systemctl", "daemon-reload")
    return host


def commit(host: Machine, port: int, signature: str) -> str:
    host.write("/srv/firewalls/policy.yaml", POLICY.format(port=port))
    words = ("env", "GNUPGHOME=/root/gnupg", "git", "-C", "/srv/firewalls", *SIGNING[signature])
    host.do(*words, "add", "-A")
    host.do(*words, "commit", "--quiet", "--allow-empty", "-m", f"port {port}")
    return host.do(*words, "rev-parse", "HEAD").strip()


def reported(host: Machine, commit: str) -> dict[str, Any]:
    """What the agent says about a commit, when it has come to it."""
    found: dict[str, Any] = {}

    def about_it() -> bool:
        done = host.run("cat", "/var/lib/polc-pull/report.json")
        found.update(json.loads(done.stdout) if done.returncode == 0 else {})
        return found.get("commit") == commit

    until(about_it, f"nothing about {commit}", 30)
    return found


def test_rounds_of_the_timer(pulling: Machine) -> None:
    first = commit(pulling, 8001, "ssh")
    pulling.do("systemctl", "restart", "polc-pull.timer")
    assert reported(pulling, first)["result"] in ("applied", "unchanged")
    assert (pulling.comes_in(8001), pulling.comes_in(8002)) == (True, False)
    assert f"applied: {first} runs" in pulling.do("journalctl", "--no-pager", "--unit=polc-pull.service")

    for signature in ("none", "gpg"):  # nobody has said yet that this key may sign
        refused = reported(pulling, commit(pulling, 8002, signature))
        assert refused["result"] == "unsigned", signature
        assert (pulling.comes_in(8001), pulling.comes_in(8002)) == (True, False)
        pulling.do("git", "-C", "/srv/firewalls", "reset", "--quiet", "--hard", first)

    pulling.do("sh", "-c", TRUST)
    signed = reported(pulling, commit(pulling, 8003, "gpg"))
    assert signed["result"] in ("applied", "unchanged")
    assert (pulling.comes_in(8001), pulling.comes_in(8003)) == (False, True)


def test_an_agent_that_is_killed_before_it_confirms(pulling: Machine) -> None:
    first = commit(pulling, 8001, "ssh")
    pulling.do("systemctl", "restart", "polc-pull.timer")
    assert reported(pulling, first)["result"] in ("applied", "unchanged")
    pulling.write("/etc/polc/pull.conf", f"{CONFIGURATION}CHECK='sleep 60'\n")
    commit(pulling, 8004, "ssh")
    until(lambda: pulling.comes_in(8004), "it is not applied")
    pulling.do("systemctl", "stop", "polc-pull.timer")
    pulling.do("systemctl", "kill", "--kill-whom=all", "--signal=KILL", "polc-pull.service")
    until(lambda: pulling.comes_in(8001), "nobody goes back", 15)
    assert not pulling.comes_in(8004)
