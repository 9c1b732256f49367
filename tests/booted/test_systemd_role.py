"""The role on a bare host, by real Ansible over ssh: pip, the policy, boot; a second run changes nothing."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from machine import ADDRESS, STATE, Machine

COLLECTION = Path(__file__).parents[2] / "integrations" / "ansible"
POLICY = """\
polc: 1
zones: {wan: host0}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept ssh from wan state new
    - accept tcp/${port} from wan state new
"""
PLAY = "[{hosts: all, gather_facts: false, roles: [polc.firewall.firewall]}]\n"
VARIABLES = {"firewall_install": "pip", "firewall_src": ["policy.yaml"], "firewall_variables": {"port": "8001"}}


@dataclass(frozen=True)
class Controller:
    """Plays over ssh on the machine, from the world outside."""

    host: Machine
    place: Path

    def play(self, *options: str, **variables: object) -> list[str]:
        """The tasks that have changed something."""
        given = json.dumps({**VARIABLES, **variables})
        done = self.host.outside.run(
            [
                "env", f"ANSIBLE_COLLECTIONS_PATH={self.place}/collections", f"ANSIBLE_HOME={self.place}/home",
                f"ANSIBLE_SSH_CONTROL_PATH_DIR={self.place}/cp", "ANSIBLE_HOST_KEY_CHECKING=False",
                f"ANSIBLE_CONFIG={self.place}/ansible.cfg", "ANSIBLE_NOCOLOR=1", "ANSIBLE_TIMEOUT=5",
                str(Path(sys.executable).with_name("ansible-playbook")), str(self.place / "play.yml"),
                "-i", str(self.place / "inventory.json"), "-e", given, *options,
            ],
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        changed, task = [], ""
        for line in done.stdout.splitlines():
            if found := re.match(r"TASK \[(?:polc\.firewall\.firewall : )?(.*)\]", line):
                task = found[1]
            elif line.startswith("changed: "):
                changed.append(task)
        return changed


@pytest.fixture(scope="module")
def controller(bare: Machine, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    place = bare.shared / "controller"
    (place / "collections/ansible_collections/polc").mkdir(parents=True)
    (place / "collections/ansible_collections/polc/firewall").symlink_to(COLLECTION)
    done = bare.outside.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / "key")])
    assert done.returncode == 0, done.stderr
    bare.write("/root/.ssh/authorized_keys", (place / "key.pub").read_text())
    bare.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /mnt/wheels\n")
    known = {
        "ansible_host": ADDRESS,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(place / "key"),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        "firewall_controller_executable": str(Path(sys.executable).with_name("polc")),
    }
    (place / "inventory.json").write_text(json.dumps({"all": {"hosts": {"bare": known}}}))
    (place / "policy.yaml").write_text(POLICY)
    (place / "play.yml").write_text(PLAY)
    (place / "ansible.cfg").write_text("")
    return Controller(bare, place)


def test_a_bare_host_gets_its_firewall_and_boots_with_it(controller: Controller) -> None:
    host = controller.host
    assert host.run("sh", "-c", "command -v polc").returncode != 0
    assert controller.play("--check") == ["Make an environment for polc"]
    everything = [
        "Make an environment for polc", "Install polc", "Run the policy", "Write the script that boot runs",
        "Install the unit", "Enable the unit",
    ]  # fmt: skip
    assert controller.play() == everything
    assert (host.comes_in(8001), host.comes_in(8002)) == (True, False)
    assert controller.play() == []
    assert controller.play("--check") == []

    host.reboot()
    assert (host.comes_in(8001), host.comes_in(8002)) == (True, False)
    assert controller.play() == []

    moved = {"firewall_variables": {"port": "8002"}}
    assert controller.play("--check", **moved) == ["Run the policy"]
    assert controller.play(**moved) == ["Run the policy"]
    assert (host.comes_in(8001), host.comes_in(8002)) == (False, True)
    assert controller.play(**moved) == []
    host.reboot()
    assert (host.comes_in(8001), host.comes_in(8002)) == (False, True)

    opened = {**moved, "firewall_on_failure": "open"}
    assert controller.play(**opened) == ["Write the script that boot runs"]
    assert controller.play(**opened) == []
    assert "the host stays open" in host.read(f"{STATE}/boot/load")


def test_a_state_directory_of_its_own(controller: Controller) -> None:
    host = controller.host
    controller.play()
    # Another directory knows nothing of what runs.
    elsewhere = {"firewall_state_dir": "/srv/polc", "firewall_adopt": True}
    settings = ["Make a place for the unit's settings", "Tell the unit where the state is"]
    changed = controller.play(**elsewhere)
    assert [one for one in changed if one != "Run the policy"] == ["Write the script that boot runs", *settings]
    assert controller.play(**elsewhere) == []
    host.do("rm", "-r", STATE)
    host.reboot()
    assert "srv/polc" in host.property("polc.service", "ExecStart")
    assert (host.comes_in(8001), host.comes_in(8002)) == (True, False)
    assert controller.play(**elsewhere) == []
