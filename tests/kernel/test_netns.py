"""A scratch namespace touches nothing outside and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polc.diagnostics import Failure
from polc.kernel import programs
from polc.kernel.libnftables import Nftables
from polc.kernel.netns import Namespace, ScratchNamespace, environment, stop
from polc.kernel.remote import RemoteNftables

TABLE = '{"nftables": [{"add": {"table": {"family": "inet", "name": "polc"}}}]}'
HOST_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("nft", "list", "ruleset"),
    ("iptables-legacy-save",),
    ("ip6tables-legacy-save",),
    ("iptables-nft-save",),
    ("ip6tables-nft-save",),
    ("conntrack", "-L", "-o", "id"),
    ("ip", "netns", "list"),
    ("ip", "-details", "address"),
    ("ip", "route", "show", "table", "all"),
    ("sysctl", "--all", "--ignore", "--pattern", r"^net\."),
)
VOLATILE = ("valid_lft", "nf_conntrack_count", "conntrack v")
"""Lines with counters and clocks of the host."""

COUNTERS = re.compile(r"\[\d+:\d+\]|^#.*| \d+ (?=[A-Z_]+ src=)| (?:packets|bytes|expires) \S+")
"""Such parts of lines."""


def host() -> dict[str, list[str]]:
    """What a firewall tool could change on the host. Without root some of it cannot be seen, nor changed."""
    seen = {}
    for argv in HOST_COMMANDS:
        if (program := shutil.which(argv[0], path=programs.search_path())) is None:
            continue
        done = subprocess.run([program, *argv[1:]], capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if not any(word in line for word in VOLATILE)]
        seen[" ".join(argv)] = [COUNTERS.sub("", line) for line in lines]
    seen["mounts"] = Path("/proc/self/mountinfo").read_text().splitlines()
    return seen


def members(namespace: str) -> list[int]:
    """The processes in a network namespace, given as ``net:[INODE]``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "ns/net") == namespace:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def identity(namespace: Namespace) -> str:
    return namespace.run(["readlink", "/proc/self/ns/net"]).stdout.strip()


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack")
def test_the_host_is_not_touched() -> None:
    before = host()
    with ScratchNamespace() as namespace:
        assert identity(namespace) != os.readlink("/proc/self/ns/net")
        with RemoteNftables(namespace) as nft:
            nft.run_json(TABLE)
        rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate NEW -j DROP\nCOMMIT\n"
        for tool in ("iptables-legacy-restore", "ip6tables-nft-restore"):
            assert namespace.run([tool], input=rules).returncode == 0
        for argv in (
            ["ip", "netns", "add", "inner"],
            ["ip", "link", "add", "polc0", "type", "bridge"],
            ["ip", "link", "set", "lo", "up"],
            ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; touch /run/xtables.lock"],
        ):
            done = namespace.run(argv)
            assert done.returncode == 0, done.stderr
        assert "polc0" in namespace.run(["ip", "link"]).stdout
        assert "polc0" not in namespace.nested("inner").run(["ip", "link"]).stdout
        during = host()
    assert during == before
    assert host() == before


@pytest.mark.kernel
def test_two_namespaces_do_not_see_each_other(scratch: Namespace) -> None:
    with ScratchNamespace() as other:
        assert identity(other) != identity(scratch)
        assert other.run(["ip", "link", "add", "only0", "type", "bridge"]).returncode == 0
        assert "only0" in other.run(["ip", "link"]).stdout
        assert "only0" not in scratch.run(["ip", "link"]).stdout


@pytest.mark.kernel
def test_nothing_outlives_the_context() -> None:
    with ScratchNamespace() as namespace:
        where = identity(namespace)
        process = namespace.start(["sh", "-c", "setsid sleep 300 & setsid sleep 300 & echo started; wait"])
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert len(members(where)) >= 4
    assert members(where) == []
    stop(process)


@pytest.mark.kernel
def test_stop_and_timeout_end_the_program_inside(scratch: Namespace) -> None:
    where = identity(scratch)
    idle = members(where)
    process = scratch.start(["sleep", "300"])
    stop(process)
    assert process.returncode != 0
    with pytest.raises(subprocess.TimeoutExpired):
        scratch.run(["sleep", "300"], timeout=0.2)
    assert members(where) == idle


@pytest.mark.kernel
def test_everything_ends_with_a_killed_caller() -> None:
    script = (
        "import time\n"
        "from polc.kernel.netns import ScratchNamespace\n"
        "with ScratchNamespace() as namespace:\n"
        "    namespace.start(['sh', '-c', 'setsid sleep 300 & wait'])\n"
        "    print(namespace.run(['readlink', '/proc/self/ns/net']).stdout, end='', flush=True)\n"
        "    time.sleep(300)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment())
    assert caller.stdout is not None
    where = caller.stdout.readline().strip()
    caller.stdout.close()
    assert members(where)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    deadline = time.monotonic() + 5
    while members(where) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert members(where) == []


@pytest.mark.kernel("unprivileged")
def test_an_ordinary_user_gets_all_three_loaders(unprivileged: tuple[str, ...]) -> None:
    script = (
        "import os\n"
        "from polc.kernel.netns import ScratchNamespace\n"
        "from polc.kernel.remote import RemoteNftables\n"
        "assert os.geteuid() != 0\n"
        "with ScratchNamespace() as namespace:\n"
        "    with RemoteNftables(namespace) as nft:\n"
        f"        nft.run_json('''{TABLE}''')\n"
        "        assert 'polc' in nft.list_table('inet', 'polc')\n"
        "    for tool in ('iptables-nft', 'iptables-legacy'):\n"
        "        done = namespace.run([tool + '-restore'], input='*filter\\n-A INPUT -p tcp -j DROP\\nCOMMIT\\n')\n"
        "        assert done.returncode == 0, done.stderr\n"
        "        assert '-A INPUT -p tcp -j DROP' in namespace.run([tool + '-save']).stdout\n"
    )
    done = subprocess.run(
        [*unprivileged, sys.executable, "-c", script], capture_output=True, text=True, env=environment(), timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.kernel("nft")
def test_libnftables_speaks_for_itself(scratch: Namespace) -> None:
    with RemoteNftables(scratch) as nft:
        nft.run_json(TABLE)
        rule = '{"nftables": [{"add": {"table": {"family": "inet", "name": "second"}}}, {"add": {"rule": {"family": \
"inet", "table": "polc", "chain": "missing", "expr": [{"drop": null}]}}}]}'
        with pytest.raises(Failure) as refused:
            nft.run_json(rule)
        assert refused.value.diagnostics[0].code == "POL603"
        assert "No such file or directory" in str(refused.value)
        with pytest.raises(Failure, match="POL603"):
            nft.list_table("inet", "second")
        assert '"name": "polc"' in nft.list_table("inet", "polc"), "a refusal is an answer, the worker goes on"


@pytest.mark.kernel("nft")
def test_a_worker_that_dies_is_a_failure(scratch: Namespace) -> None:
    with RemoteNftables(scratch) as nft:
        nft.run_json(TABLE)
        scratch.run(["sh", "-c", "kill -KILL -1"])
        with pytest.raises(Failure, match="ended without an answer"):
            nft.run_json(TABLE)


@pytest.mark.kernel("nft")
def test_text_that_is_no_json_object_never_reaches_libnftables() -> None:
    """libnftables would read it as its command language: `flush ruleset` is no JSON either."""
    with Nftables() as nft:
        for text in ("flush ruleset", "", "[]", '{"nftables": []}\0'):
            with pytest.raises(ValueError, match="JSON object"):
                nft.run_json(text)


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "search_path", lambda: "/nonexistent")
    for program, package in (("nsenter", "util-linux"), ("iptables-nft-restore", "iptables"), ("mount", "mount")):
        with pytest.raises(Failure) as missing:
            programs.find(program)
        (diagnostic,) = missing.value.diagnostics
        assert diagnostic.code == "POL601"
        assert f"`{package}`" in diagnostic.help
        assert missing.value.exit_status == 3


def missing_libnftables(capfd: pytest.CaptureFixture[str]) -> str:
    """The help of the failure; nothing else is said, not even by the bindings' destructor."""
    with pytest.raises(Failure) as missing:
        Nftables()
    gc.collect()
    assert capfd.readouterr() == ("", "")
    (diagnostic,) = missing.value.diagnostics
    assert diagnostic.code == "POL601"
    return diagnostic.help


def test_a_missing_library_names_its_package(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("polc.kernel.libnftables.LIBRARY", "libnone.so.1")
    assert "`libnftables1`" in missing_libnftables(capfd)


def test_missing_bindings_name_their_package(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("polc.kernel.libnftables.LIBRARY", "libc.so.6")
    monkeypatch.setitem(sys.modules, "nftables", None)
    assert "`python3-nftables`" in missing_libnftables(capfd)


def test_a_refusal_of_namespaces_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("nsenter", "mount"):
        (tmp_path / name).symlink_to("/bin/true")
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(programs, "search_path", lambda: str(tmp_path))
    with pytest.raises(Failure) as refused, ScratchNamespace():
        pass
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "POL602"
    assert "Operation not permitted" in diagnostic.message
    assert "run as root" in diagnostic.help
