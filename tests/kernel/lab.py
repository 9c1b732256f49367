"""Several hosts on one link, each a network namespace, all within one scratch namespace.

    with Lab("server", "client") as lab:
        lab["server"].namespace.run(["ip", "address"])

Hosts have 192.0.2.N/24 and 2001:db8::N/64, counted from 1 in the order given, on ``eth0``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType

from polc.kernel.netns import Namespace, ScratchNamespace, stop

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Host:
    namespace: Namespace
    ip: str
    ip6: str

    def address(self, family: str) -> str:
        """Its address of ``ip`` or ``ip6``."""
        return self.ip if family == "ip" else self.ip6


class Peer:
    """A script of ``peers/`` that runs on a host: a JSON request a line, a JSON answer a line."""

    def __init__(self, host: Host, script: str, *arguments: str) -> None:
        self.process = host.namespace.start([sys.executable, str(PEERS / script), *arguments], stderr=None)
        self.name = script

    def send(self, *request: str | float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self, timeout: float = 20.0) -> str:
        """The next answer; a peer that gives none in ``timeout`` seconds fails the test."""
        assert self.process.stdout is not None
        with DefaultSelector() as selector:
            # A peer answers each request with one line, so nothing waits in Python's own buffer.
            selector.register(self.process.stdout, EVENT_READ)
            assert selector.select(timeout), f"{self.name} gave no answer in {timeout} s"
        line = self.process.stdout.readline()
        assert line, f"{self.name} ended with status {self.process.wait(5)}"
        answer: str = json.loads(line)
        return answer

    def ask(self, *request: str | float, timeout: float = 20.0) -> str:
        self.send(*request)
        return self.receive(timeout)


class Lab:
    def __init__(self, *names: str) -> None:
        self._names = names
        self._hosts: dict[str, Host] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Lab:
        with ExitStack() as stack:
            namespace = stack.enter_context(ScratchNamespace())
            for number, name in enumerate(self._names, 1):
                self._hosts[name] = Host(namespace.nested(name), f"192.0.2.{number}", f"2001:db8::{number}")
                _ip(namespace, "netns", "add", name)
            _batch(namespace, ["link add lan type bridge forward_delay 0 mcast_snooping 0", "link set lan up"])
            for name, host in self._hosts.items():
                _batch(
                    namespace,
                    [f"link add {name} type veth peer name eth0 netns {name}", f"link set {name} master lan up"],
                )
                _batch(
                    host.namespace,
                    [
                        "link set lo up",
                        f"address add {host.ip}/24 dev eth0",
                        # Without duplicate address detection an address can be used at once.
                        f"address add {host.ip6}/64 dev eth0 nodad",
                        "link set eth0 up",
                    ],
                )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def peer(self, host: str, script: str, *arguments: str) -> Peer:
        """Start a script on a host and wait until it says ``ready``; it ends with the lab."""
        peer = Peer(self[host], script, *arguments)
        self._stack.callback(stop, peer.process)
        assert peer.receive() == "ready"
        return peer


def both_families(scenario: Callable[[str], None]) -> None:
    """Run a scenario for ``ip`` and ``ip6`` at the same time on the same hosts: each family has its own state."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(scenario, ("ip", "ip6")):
            pass


def _ip(namespace: Namespace, *arguments: str, input: str = "") -> None:
    done: subprocess.CompletedProcess[str] = namespace.run(["ip", *arguments], input=input)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}\n{input}"


def _batch(namespace: Namespace, commands: list[str]) -> None:
    _ip(namespace, "-batch", "-", input="\n".join(commands) + "\n")
