"""The collection, by real Ansible over ssh: ten hosts, which are network namespaces with an sshd of their own.

The fleet is the one of `integrations/ansible/examples`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from polc.kernel.netns import Namespace, ScratchNamespace, stop

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "integrations" / "ansible"
HOSTS = {
    **{f"web-{number}": f"192.0.2.{10 + number}" for number in (1, 2, 3, 4)},
    **{f"db-{number}": f"192.0.2.{20 + number}" for number in (1, 2, 3)},
    **{f"edge-{number}": f"192.0.2.{30 + number}" for number in (1, 2, 3)},
}
SSHD = """\
Port 22
ListenAddress 0.0.0.0
HostKey {place}/host
AuthorizedKeysFile {place}/client.pub
PidFile none
PermitRootLogin yes
StrictModes no
UsePAM no
MaxStartups 100
"""
CALLBACK = '''
"""What tasks answered, as a line of JSON each."""
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "lines"

    def _tell(self, what, result):
        task, host = result._task.get_name(), result._host.get_name()
        with open(os.environ["POLC_LINES"], "a") as file:
            told = {"what": what, "task": task, "host": host, "result": result._result}
            file.write(json.dumps(told, default=str) + "\\n")

    def v2_runner_on_ok(self, result):
        self._tell("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._tell("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._tell("unreachable", result)
'''


@dataclass(frozen=True)
class Answer:
    """What one host's task came to."""

    what: str
    result: dict[str, Any]


class Fleet:
    """``play`` runs the examples' play on all hosts; the controller is the scratch namespace itself."""

    def __init__(self, controller: Namespace, place: Path) -> None:
        self.controller, self.place = controller, place

    def play(
        self,
        *options: str,
        task: str = "polc.firewall.firewall : Run the policy",
        book: Path = COLLECTION / "examples" / "site.yml",
        hosts: Collection[str] = frozenset(HOSTS),
    ) -> dict[str, Answer]:
        lines = self.place / "lines"
        lines.write_text("")
        argv = [
            "env", *(f"{name}={value}" for name, value in self.environment().items()),
            str(Path(sys.executable).with_name("ansible-playbook")), str(book),
            "-i", str(COLLECTION / "examples" / "inventory.yml"), "-i", str(self.place / "inventory.json"),
            "--forks", "10", *options,
        ]  # fmt: skip
        done = self.controller.run(argv, timeout=300)
        told = [json.loads(line) for line in lines.read_text().splitlines()]
        found = {one["host"]: Answer(one["what"], one["result"]) for one in told if one["task"] == task}
        assert set(found) == set(hosts), done.stdout + done.stderr
        return found

    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(self.place / "collections"),
            "ANSIBLE_HOME": str(self.place / "home"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.place / "cp"),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_CALLBACK_PLUGINS": str(self.place / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "lines",
            "ANSIBLE_CONFIG": str(self.place / "ansible.cfg"),
            "ANSIBLE_TIMEOUT": "3",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "POLC_LINES": str(self.place / "lines"),
        }

    def rules(self, host: str) -> str:
        """What the kernel holds, without counters."""
        inside = self.controller.nested(host)
        done = inside.run(["sh", "-c", "nft --stateless list ruleset; iptables-save; ip6tables-save"])
        text = "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("#"))
        return re.sub(r"\[\d+:\d+\]", "", text)

    def answers(self, host: str) -> bool:
        connect = f"import socket; socket.create_connection(('{HOSTS[host]}', 22), 0.5)"
        return self.controller.run([sys.executable, "-c", connect]).returncode == 0


def network() -> str:
    """The commands that make the hosts, on one bridge with the controller."""
    lines = [
        "set -e", "ip link add br0 type bridge", "ip address add 192.0.2.1/24 dev br0", "ip link set br0 up",
        "ip link set lo up", "mkdir -p /run/sshd",
    ]  # fmt: skip
    for number, (name, address) in enumerate(HOSTS.items()):
        lines += [
            f"ip netns add {name}",
            f"ip link add port{number} type veth peer name eth0 netns {name}",
            f"ip link set port{number} master br0 up",
            f"ip -n {name} link set lo up",
            f"ip -n {name} address add {address}/24 dev eth0",
            f"ip -n {name} link set eth0 up",
        ]
    return "\n".join(lines)


def ready(place: Path, controller: Namespace) -> Fleet:
    done = controller.run(["sh", "-c", network()])
    assert done.returncode == 0, done.stderr
    for key in ("host", "client"):
        done = controller.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)])
        assert done.returncode == 0, done.stderr
    (place / "sshd_config").write_text(SSHD.format(place=place))
    (place / "ansible.cfg").write_text("")
    for folder in ("collections/ansible_collections/polc", "callbacks", "home"):
        (place / folder).mkdir(parents=True)
    (place / "collections/ansible_collections/polc/firewall").symlink_to(COLLECTION)
    (place / "callbacks/lines.py").write_text(CALLBACK)
    polc = str(Path(sys.executable).with_name("polc"))
    known = {
        "ansible_ssh_private_key_file": str(place / "client"),
        "ansible_python_interpreter": sys.executable,
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        "ansible_become": False,
        "firewall_executable": polc,
        "firewall_controller_executable": polc,
        "firewall_boot": False,
        "firewall_state_dir": f"{place}/state/{{{{ inventory_hostname }}}}",
    }
    (place / "inventory.json").write_text(json.dumps({"all": {"hosts": dict.fromkeys(HOSTS, known)}}))
    return Fleet(controller, place)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    # A short path: sockets of ssh stand in it, whose names have at most a hundred bytes.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="polc-") as directory, ScratchNamespace() as controller:
        place = Path(directory)
        found = ready(place, controller)
        servers = [
            controller.nested(name).start(["/usr/sbin/sshd", "-D", "-e", "-f", str(place / "sshd_config")], stderr=None)
            for name in HOSTS
        ]
        try:
            deadline = time.monotonic() + 20
            while not all(found.answers(name) for name in HOSTS):
                assert time.monotonic() < deadline, "no sshd"
            yield found
        finally:
            for server in servers:
                stop(server)


def plan_of(answer: Answer) -> dict[str, Any]:
    """A plan, without what the moment of its making decides."""
    return {key: one for key, one in answer.result["plan"].items() if key in ("changed", "parts", "lost", "locked_out")}


@pytest.mark.kernel("nft", "iptables-nft", "conntrack", "sshd")
def test_ten_hosts_converge_and_a_lock_out_goes_back(fleet: Fleet) -> None:
    before = {name: fleet.rules(name) for name in HOSTS}
    predicted = fleet.play("--check", "--diff")
    assert {one.what for one in predicted.values()} == {"ok"}, predicted
    assert all(one.result["changed"] for one in predicted.values())
    assert (
        "accept ssh" in json.dumps(predicted["web-1"].result["diff"]) or predicted["web-1"].result["diff"]["prepared"]
    )
    assert {name: fleet.rules(name) for name in HOSTS} == before, "check mode changes nothing"

    done = fleet.play()
    assert {one.what for one in done.values()} == {"ok"}, done
    assert all(one.result["changed"] and one.result["confirmed"] for one in done.values())
    assert {name: plan_of(one) for name, one in done.items()} == {name: plan_of(one) for name, one in predicted.items()}
    assert "8443" in fleet.rules("web-4"), "what is one host's own"
    assert "8443" not in fleet.rules("web-1")

    again = fleet.play()
    assert {one.what for one in again.values()} == {"ok"}, again
    assert not any(one.result["changed"] for one in again.values())
    assert not any(one.result["plan"]["parts"] for one in again.values())

    # One variable of one host: exactly that one changes, and by exactly what was predicted.
    change = ("-e", json.dumps({"firewall_variables": VARIABLES}))
    predicted = fleet.play("--check", *change)
    done = fleet.play(*change)
    assert {name for name, one in done.items() if one.result["changed"]} == {"db-1", "db-2", "db-3"}
    assert {name: plan_of(one) for name, one in done.items()} == {name: plan_of(one) for name, one in predicted.items()}

    # Two hosts get a policy that lets no new connection in: one by force, with a way back, and one without.
    running = {name: fleet.rules(name) for name in HOSTS}
    locked = {"firewall_policy": LOCK_OUT, "firewall_confirm": 12}
    (fleet.place / "host_vars").mkdir()
    (fleet.place / "host_vars/edge-2.json").write_text(json.dumps({**locked, "firewall_force": True}))
    (fleet.place / "host_vars/web-2.json").write_text(json.dumps(locked))
    done = fleet.play(*change)
    assert {name for name, one in done.items() if one.what != "ok"} == {"edge-2", "web-2"}
    assert done["edge-2"].result["rolled_back"] is True, done["edge-2"].result
    assert done["edge-2"].result["confirmed"] is False
    assert "cut off" in done["web-2"].result["msg"]
    assert done["web-2"].result["plan"]["locked_out"] is True
    assert {name: fleet.rules(name) for name in HOSTS} == running
    assert fleet.answers("edge-2")


COMPILE = """\
- hosts: web-4,db-1
  gather_facts: false
  tasks:
    - name: Compile
      polc.firewall.compile:
        src: "{{ firewall_src }}"
        policy: "{{ firewall_policy | default({}) }}"
        variables: "{{ firewall_variables }}"
        target: "{{ firewall_target | default('nft') }}"
        base: BASE
        dest: DEST
        controller_executable: "{{ firewall_controller_executable }}"
"""


@pytest.mark.kernel("sshd")
def test_compiling_is_the_controllers_alone(fleet: Fleet) -> None:
    out = fleet.place / "out"
    play = fleet.place / "compile.yml"
    play.write_text(COMPILE.replace("BASE", str(COLLECTION / "examples")).replace("DEST", str(out)))

    def compiled(*options: str) -> list[bool]:
        # No connection is needed: none would come about there.
        nowhere = ("-e", "ansible_host=203.0.113.1", *options)
        done = fleet.play(*nowhere, task="Compile", book=play, hosts={"web-4", "db-1"})
        return [one.result["changed"] for one in done.values()]

    assert compiled("--check") == [True, True]
    assert not out.exists()
    assert compiled() == [True, True]
    assert "8443" in (out / "web-4/ruleset.nft.json").read_text()
    assert "--dport 5432" in (out / "db-1/rules.v4").read_text()
    assert compiled() == [False, False]


VARIABLES = {"wan": "eth0", "admins": ["192.0.2.0/28", "2001:db8::/64"], "clients": ["192.0.2.11"]}
LOCK_OUT = {"addresses": {"admins": ["198.51.100.0/24"]}}
