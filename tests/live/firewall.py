"""A host of one scratch namespace on which polc applies policies, for tests."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from polc.backends.iptables.compare import parse
from polc.kernel.netns import Namespace, ScratchNamespace, stop

ROADS = {
    "nft": ("--target", "nft"),
    "iptables-nft": ("--target", "iptables", "--variant", "nft"),
    "iptables-legacy": ("--target", "iptables", "--variant", "legacy"),
}


@dataclass(frozen=True)
class Ran:
    """What a command came to: its exit status (negative: the signal that ended it), all that it printed, its steps."""

    status: int
    output: str
    events: list[str]


class Firewall:
    """A namespace, policies in ``directory``, a state directory, and a polc that can be killed (``killed.py``).

    The state is in memory: what polc has to wait for until it has reached a disk takes most of a test's time.
    """

    def __init__(self, directory: Path, road: str = "nft") -> None:
        self.directory, self.road = directory, road

    def __enter__(self) -> Firewall:
        self._memory = TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None, prefix="polc-")
        self.kept = Path(self._memory.name) / "state"
        self._scratch = ScratchNamespace()
        self.namespace: Namespace = self._scratch.__enter__()
        self.run("ip", "link", "set", "lo", "up")
        self._process = self.namespace.start([sys.executable, str(Path(__file__).with_name("killed.py"))], stderr=None)
        return self

    def __exit__(self, *error: Any) -> None:
        stop(self._process)
        self._scratch.__exit__(None, None, None)
        self._memory.cleanup()

    def run(self, *argv: str, input: str = "") -> str:
        done = self.namespace.run([*argv], input=input)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    def polc(self, verb: str, *arguments: str, kill: int = 0, later: float = 0.0) -> Ran:
        road = ROADS[self.road] if verb in ("apply", "plan") else ()
        argv = [verb, *arguments, *road, "--state-dir", str(self.kept)]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "kill": kill, "later": later}) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        return Ran(found["status"], found["output"], found["events"])

    def apply(self, policy: str, *arguments: str, **how: Any) -> Ran:
        """Apply a policy by its text."""
        path = self.directory / "policy.yaml"
        path.write_text(policy)
        return self.polc("apply", str(path), *arguments, **how)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.kept / "state.json").read_text())
        return found

    def holds(self) -> str:
        """The rules in the kernel, without what they have counted."""
        if self.road == "nft":
            return self.run("nft", "--stateless", "list", "ruleset")
        variant = self.road.partition("-")[2]
        tables = [parse(self.run(f"{tool}-{variant}-save")) for tool in ("iptables", "ip6tables")]
        # Tables that do nothing come by being looked at.
        some = [{name: one for name, one in family.items() if not one.does_nothing} for family in tables]
        return "\n".join([*map(str, some), *sorted(self.run("ipset", "list", "-n").split())])
