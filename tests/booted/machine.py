"""A machine with systemd as its PID 1, which boots and reboots: systemd-nspawn(1) in a scratch namespace.

Its files are those of a root file system that debootstrap(8) builds once, with what is written on top gone at the end.
Its network is a bridge of the scratch namespace: whoever is there is the world outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from versions.generations import GENERATIONS, root

from polc.kernel.netns import Namespace, ScratchNamespace, environment, stop

ADDRESS = "192.0.2.2"
OUTSIDE = "192.0.2.1"
PORTS = (8001, 8002, 8003, 8004)
"""Where something listens as soon as there are sockets: what the firewall does not stop comes in."""
STATE = "/var/lib/polc"

PACKAGES = (
    *("systemd-sysv", "dbus", "ifupdown", "iproute2", "procps", "openssh-server"),
    *("nftables", "iptables", "iptables-persistent", "ipset", "conntrack"),
    *("python3", "python3-venv", "git", "gnupg"),
)
_BOOT = """
set -e
mount -t proc proc /proc
mkdir /run/machine /run/machine/upper /run/machine/work /run/machine/root
mount -t overlay polc -o "lowerdir=$1,upperdir=/run/machine/upper,workdir=/run/machine/work" /run/machine/root
cp -r "$2/etc" /run/machine/root/
exec >"$2/console" 2>&1
# With --keep-unit a reboot is left to whoever started it, by this status (EXIT_FORCE_RESTART).
status=133
while [ $status -eq 133 ]; do
    status=0
    systemd-nspawn --quiet --register=no --keep-unit --boot --machine=polc --directory=/run/machine/root \
        --network-bridge=br0 --bind="$2:/mnt" || status=$?
done
"""
_BRIDGE = f"""
ip link set lo up && ip link add br0 type bridge && ip address add {OUTSIDE}/24 dev br0 && ip link set br0 up
"""
_ETC = {
    "systemd/network/10-host0.network": f"[Match]\nName=host0\n[Network]\nAddress={ADDRESS}/24\n",
    "systemd/system/early.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nAccept=yes\n"
    + "".join(f"ListenStream=0.0.0.0:{port}\n" for port in PORTS),
    "systemd/system/early@.service": "[Service]\nExecStart=/bin/true\n",
}
_ENABLED = {"sysinit.target": ("/etc", "early.socket"), "multi-user.target": ("/lib", "systemd-networkd.service")}
_ENVIRONMENT = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root")


class Machine:
    """``shared`` is a directory that the machine sees as ``/mnt``."""

    def __init__(self, outside: Namespace, shared: Path, process: subprocess.Popen[str]) -> None:
        self.outside, self.shared = outside, shared
        self._process = process
        self._leader = 0

    def run(self, *argv: str, input: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program in the machine, as root, to its end."""
        entering = ("nsenter", "--target", str(self._leader), "--all", "--", *_ENVIRONMENT)
        return subprocess.run(
            [*entering, *argv], input=input, capture_output=True, text=True, errors="replace", timeout=timeout
        )

    def do(self, *argv: str, input: str = "", timeout: float = 60) -> str:
        """What a program says that has to succeed."""
        done = self.run(*argv, input=input, timeout=timeout)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout

    def write(self, path: str, text: str) -> None:
        self.do("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path, input=text)

    def read(self, path: str) -> str:
        return self.do("cat", path)

    def property(self, unit: str, name: str) -> str:
        """What systemctl(1) shows of a unit."""
        return self.do("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def moment(self, unit: str, name: str) -> int:
        """A time stamp of a unit: microseconds since the kernel started. It has to have come."""
        found = int(self.property(unit, f"{name}TimestampMonotonic"))
        assert found > 0, (unit, name)
        return found

    def rules(self) -> str:
        """What the kernel holds, without counters."""
        return self.do("nft", "--stateless", "list", "ruleset")

    def comes_in(self, port: int, patience: float = 0.3) -> bool:
        """Whether the world outside gets a connection."""
        connect = f"import socket; socket.create_connection(('{ADDRESS}', {port}), {patience})"
        return self.outside.run([sys.executable, "-c", connect]).returncode == 0

    def booted(self, before: int = 0) -> None:
        """Wait until systemd has started all; ``before`` is the PID 1 of another time."""

        def up() -> bool:
            self._leader = _leader(self._process.pid)
            if self._leader in (0, before):
                return False
            return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

        try:
            until(up, "the machine does not boot", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}: {(self.shared / 'console').read_text()[-3000:]}") from None

    def reboot(self) -> None:
        """As a machine of its own does: kernel, network and processes are new, files stay."""
        before = self._leader
        self.run("systemctl", "reboot")
        self.booted(before)

    def install_polc(self) -> None:
        """By pip, from the wheels that ``wheels`` has put there, as ``polc`` in PATH."""
        self.do("python3", "-m", "venv", "/opt/polc")
        self.do(
            "/opt/polc/bin/pip", "install", "--quiet", "--no-index", "--find-links=/mnt/wheels", "polc", timeout=300
        )
        self.do("ln", "-s", "/opt/polc/bin/polc", "/usr/local/bin/polc")

    def polc(self, *argv: str, status: int = 0) -> str:
        done = self.run("polc", *argv)
        assert done.returncode == status, (argv, done.stdout, done.stderr)
        return done.stdout

    def apply(self, policy: str, *options: str) -> str:
        self.write("/etc/polc/policy.yaml", policy)
        return self.polc("apply", "/etc/polc/policy.yaml", *options)


@contextmanager
def machine(suite: str, shared: Path) -> Iterator[Machine]:
    """A machine that has booted; its outputs so far are in ``shared/console``."""
    (generation,) = (one for one in GENERATIONS if one.suite == suite)
    files = root(generation, named=f"{suite}-systemd", packages=PACKAGES)
    for name, text in _ETC.items():
        place = shared / "etc" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for target, (where, unit) in _ENABLED.items():
        wants = shared / "etc/systemd/system" / f"{target}.wants"
        wants.mkdir()
        (wants / unit).symlink_to(f"{where}/systemd/system/{unit}")
    with ScratchNamespace() as outside:
        done = outside.run(["sh", "-c", _BRIDGE])
        assert done.returncode == 0, done.stderr
        process = outside.start(["sh", "-c", _BOOT, "sh", str(files), str(shared)])
        try:
            started = Machine(outside, shared, process)
            started.booted()
            yield started
        finally:
            stop(process)


def wheels(suite: str, into: Path) -> None:
    """A wheel of the checkout, and of what it needs for the suite's Python."""
    (generation,) = (one for one in GENERATIONS if one.suite == suite)
    files = root(generation, named=f"{suite}-systemd", packages=PACKAGES)
    version = (files / "usr/bin/python3").readlink().name.removeprefix("python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    checkout = str(Path(__file__).parents[2])
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(into), checkout], check=True, env=environment())
    (wheel,) = into.glob("polc-*.whl")
    of_version = ["--only-binary=:all:", f"--python-version={version}", "--dest", str(into)]
    subprocess.run([*pip, "download", *of_version, str(wheel)], check=True)


def until(holds: Callable[[], object], otherwise: str, seconds: float = 30) -> float:
    """Wait for something, and for how long: seconds."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + seconds, otherwise
        time.sleep(0.1)
    return time.monotonic() - begun


def _leader(ancestor: int) -> int:
    """The PID, as seen from here, of the process below this one that is PID 1 of its namespace; 0: none yet."""
    below = [ancestor]
    for process in below:
        try:
            status = Path(f"/proc/{process}/status").read_text()
            below += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
        (names,) = (line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if process != ancestor and names[-1] == "1":
            return process
    return 0


def pending(machine: Machine) -> bool:
    """Whether something waits to be confirmed."""
    done = machine.run("cat", f"{STATE}/state.json")
    return done.returncode == 0 and json.loads(done.stdout)["pending"] is not None
