"""Nobody locks themselves out: over a real sshd, from another host."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polc.kernel.netns import Namespace, ScratchNamespace, stop

pytestmark = pytest.mark.kernel("nft", "conntrack", "sshd")

BEGIN = "polc: 1\ninput:\n  default: drop\n  rules:\n    - use loopback\n    - use icmp-essentials\n"
CLIENTS = "192.0.2.0/24, 2001:db8::/64"
OPEN = f"{BEGIN}    - use stateful\n    - accept ssh from {CLIENTS} state new\n"
OTHERS_ONLY = OPEN.replace(CLIENTS, "198.51.100.0/24")
SHUT = f"{BEGIN}    - drop ssh from {CLIENTS}\n    - accept ssh\n"
CONFIG = """\
Port 22
ListenAddress 192.0.2.1
ListenAddress [2001:db8::1]:22
HostKey {place}/host
AuthorizedKeysFile {place}/client.pub
PidFile {place}/pid
PermitRootLogin yes
StrictModes no
UsePAM no
"""


class Server:
    """A host with sshd and polc, and another one from which it is managed."""

    def __init__(self, server: Namespace, client: Namespace, place: Path) -> None:
        self.server, self.client, self.place = server, client, place

    def ssh(self, command: str, address: str = "192.0.2.1", timeout: float = 3) -> subprocess.CompletedProcess[str]:
        options = [
            "-i", str(self.place / "client"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", f"ConnectTimeout={timeout:g}", "-o", "BatchMode=yes",
        ]  # fmt: skip
        return self.client.run(["ssh", *options, f"root@{address}", command], timeout=60)

    def polc(self, policy: str, *options: str, verb: str = "apply", address: str = "192.0.2.1") -> str:
        """The command for the far end; it does not wait for whoever would carry its words."""
        path = self.place / "policy.yaml"
        path.write_text(policy)
        return f"{sys.executable} -m polc {verb} {path} --state-dir {self.place}/state {' '.join(options)}"

    def reachable(self) -> bool:
        return self.ssh("true", timeout=1).returncode == 0

    def answers(self) -> bool:
        """Whether a new connection comes in: quicker than a session."""
        connect = "import socket; socket.create_connection(('192.0.2.1', 22), 0.3)"
        return self.client.run([sys.executable, "-c", connect]).returncode == 0


def made(place: Path, scratch: Namespace) -> Server:
    def run(*argv: str, inside: Namespace = scratch) -> None:
        done = inside.run(argv)
        assert done.returncode == 0, (argv, done.stderr)

    for name in ("server", "client"):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "-n", "server", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", "client")
    for number, name in ((1, "server"), (2, "client")):
        run("ip", "-n", name, "address", "add", f"192.0.2.{number}/24", "dev", "eth0")
        run("ip", "-n", name, "address", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
        run("ip", "-n", name, "link", "set", "eth0", "up")
    for key in ("host", "client"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key))
    (place / "sshd_config").write_text(CONFIG.format(place=place))
    run("mkdir", "-p", "/run/sshd")
    return Server(scratch.nested("server"), scratch.nested("client"), place)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with ScratchNamespace() as scratch:
        found = made(tmp_path, scratch)
        sshd = found.server.start(["/usr/sbin/sshd", "-D", "-e", "-f", str(tmp_path / "sshd_config")])
        try:
            deadline = time.monotonic() + 10
            while not found.reachable():
                assert time.monotonic() < deadline, "sshd does not answer"
            yield found
        finally:
            stop(sshd)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_policy_that_would_cut_off_its_applier_is_refused(server: Server, address: str) -> None:
    fine = server.ssh(server.polc(OPEN), address)
    assert fine.returncode == 0, fine.stderr
    refused = server.ssh(server.polc(SHUT), address)
    assert refused.returncode == 1, refused.stderr
    assert f"policy.yaml:7 `drop ssh from {CLIENTS}`" in refused.stderr, "the deciding rule is named"
    assert "this SSH connection" in refused.stderr
    assert server.ssh("true", address).returncode == 0

    # The connection itself would stay, a new one would not come in.
    refused = server.ssh(server.polc(OTHERS_ONLY), address)
    assert refused.returncode == 1, refused.stderr
    assert "cut off a new SSH connection;" in refused.stderr
    planned = server.ssh(server.polc(OTHERS_ONLY, verb="plan"), address)
    assert planned.returncode == 1
    assert "a new SSH connection: drop by the default of chain `input`" in planned.stdout
    assert "this SSH connection: accept" in planned.stdout


def test_forced_and_not_confirmed_it_is_back_after_five_seconds(server: Server) -> None:
    assert server.ssh(server.polc(OPEN)).returncode == 0
    # Its own connection is cut in the middle of this, so it is left to itself, and with its terminal.
    quietly = f"setsid nohup {server.polc(SHUT, '--force', '--confirm', '5')} >{server.place}/out 2>&1 </dev/null &"
    server.ssh(quietly)
    start = time.monotonic()
    while server.answers():
        assert time.monotonic() - start < 20, "the policy does not cut anybody off"
    cut = time.monotonic()
    while not server.answers():
        assert time.monotonic() - cut < 15, (server.place / "out").read_text()
    # The five seconds begin when the way back is on the disk, a little before.
    assert time.monotonic() - cut > 3
    assert server.reachable()
    assert "polc confirm" in (server.place / "out").read_text()
    history = server.ssh(f"{sys.executable} -m polc history --state-dir {server.place}/state")
    assert "taken back: not confirmed in time" in history.stdout
    assert "root from 192.0.2.2" in history.stdout, "who, and from where"


def test_going_back_cuts_nobody_off_either(server: Server) -> None:
    polc = [sys.executable, "-m", "polc"]
    state = ["--state-dir", str(server.place / "state")]
    for policy in (SHUT, OPEN):
        # From the console, where nobody can be cut off.
        (server.place / "policy.yaml").write_text(policy)
        done = server.server.run([*polc, "apply", str(server.place / "policy.yaml"), *state])
        assert done.returncode == 0, done.stderr
    refused = server.ssh(" ".join([*polc, "rollback", *state]))
    assert refused.returncode == 1, refused.stderr
    assert "this SSH connection would be cut off: drop by policy.yaml:7" in refused.stderr
    assert server.reachable()
    assert server.ssh(" ".join([*polc, "rollback", "0", *state])).returncode == 0, "where nothing filters all pass"
