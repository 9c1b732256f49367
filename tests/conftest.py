"""The ``kernel`` marker: a test that needs a real kernel is skipped where there is none to be had, with the reason.

``@pytest.mark.kernel`` alone asks for a scratch namespace; its arguments are features of ``FEATURES`` that
the test needs besides. With ``POLC_REQUIRE_KERNEL=1`` what would be skipped fails.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from needed import lacking

from polc.diagnostics import Failure
from polc.kernel.libnftables import check_available
from polc.kernel.netns import Namespace, ScratchNamespace
from polc.kernel.programs import find
from polc.kernel.remote import RemoteNftables

_TABLE = {"family": "inet", "table": "feature"}


def _takes(*additions: dict[str, object]) -> Callable[[Namespace], None]:
    """Whether nft takes these in a table."""

    def check(namespace: Namespace) -> None:
        check_available()
        table = {"table": {"family": "inet", "name": "feature"}}
        with RemoteNftables(namespace) as nft:
            nft.run_json(json.dumps({"nftables": [{"add": one} for one in (table, *additions)]}))

    return check


def _restores(variant: str, rules: str = "*filter\nCOMMIT\n") -> Callable[[Namespace], None]:
    def check(namespace: Namespace) -> None:
        for tool in ("iptables", "ip6tables"):
            done = namespace.run([find(f"{tool}-{variant}-restore")], input=rules)
            if done.returncode != 0:
                raise OSError(f"{tool}-{variant}-restore: {done.stderr.strip()}")

    return check


def _conntrack(namespace: Namespace) -> None:
    # A namespace tracks connections only while a rule asks for it.
    _restores("legacy", "*filter\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n")(namespace)


# Seen from a mount namespace of its own, a checkout below a directory that is root's alone can be reached by
# others: an empty directory stands in that one's place, with nothing but the checkout in it.
_REACHABLE = """
mount -t tmpfs -o mode=755 polc /mnt && mkdir /mnt/checkout && mount --bind "$1" /mnt/checkout &&
mount -t tmpfs -o mode=755 polc "$2" && mkdir -p "$1" && mount --bind /mnt/checkout "$1" && cd "$1" &&
shift 2 && exec "$@"
"""


def _ordinary_user() -> tuple[str, ...]:
    """The command that runs the rest of its arguments as an ordinary user, for root."""
    checkout = Path(__file__).resolve().parent.parent
    closed = [one for one in reversed(checkout.parents) if not one.stat().st_mode & 0o001]
    reach = ("unshare", "--mount", "sh", "-c", _REACHABLE, "sh", str(checkout), str(closed[0])) if closed else ()
    return (*reach, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")


def _unprivileged(namespace: Namespace) -> None:
    user = _ordinary_user() if os.geteuid() == 0 else ()
    done = subprocess.run([*user, "unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True)
    if done.returncode != 0:
        raise OSError(f"no user namespaces for ordinary users: {done.stderr.decode().strip()}")


def _ipset(namespace: Namespace) -> None:
    rules = "*filter\n-A INPUT -m set --match-set f src -j SET --add-set f src --exist\nCOMMIT\n"
    commands = {("ipset", "restore"): "create f hash:ip timeout 0\n", ("iptables-legacy-restore",): rules}
    for (program, *arguments), text in commands.items():
        done = namespace.run([find(program), *arguments], input=text)
        if done.returncode != 0:
            raise OSError(f"{program}: {done.stderr.strip()}")


def _sshd(namespace: Namespace) -> None:
    if namespace.own_user:
        raise OSError("sshd gives up root for another user, whom a user namespace does not have")
    for program in ("/usr/sbin/sshd", "ssh", "ssh-keygen"):
        if namespace.run(["sh", "-c", f"command -v {program}"]).returncode != 0:
            raise OSError(f"{program} is not installed")


FEATURES: dict[str, Callable[[Namespace], None]] = {
    "nft": _takes(),
    "iptables-nft": _restores("nft"),
    "iptables-legacy": _restores("legacy"),
    "conntrack": _conntrack,
    "hashlimit": _restores(
        "legacy",
        "*filter\n-A INPUT -m hashlimit --hashlimit-above 1/second --hashlimit-mode srcip --hashlimit-name f\nCOMMIT\n",
    ),
    "recent": _restores("legacy", "*filter\n-A INPUT -m recent --set --name f --rsource\nCOMMIT\n"),
    "nat": _restores(
        "legacy",
        "*nat\n-A PREROUTING -p tcp -j REDIRECT --to-ports 1\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
    ),
    "ipset": _ipset,
    "ftp-helper": _restores("legacy", "*raw\n-A OUTPUT -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"),
    "nft-queue": _takes(
        {"chain": {**_TABLE, "name": "c"}}, {"rule": {**_TABLE, "chain": "c", "expr": [{"queue": {"num": 0}}]}}
    ),
    "nft-flowtable": _takes({"flowtable": {**_TABLE, "name": "f", "hook": "ingress", "prio": 0, "dev": "lo"}}),
    "unprivileged": _unprivileged,
    "sshd": _sshd,
}
"""Feature -> how to try it in a namespace of its own; it raises with the reason when it is not there."""


@cache
def lacks(feature: str) -> str:
    """Why this machine lacks a feature (``""``: a bare scratch namespace); empty when it has it."""
    try:
        with ScratchNamespace() as namespace:
            if feature:
                FEATURES[feature](namespace)
    except (Failure, OSError) as error:
        return f"{feature or 'scratch namespace'}: {error}"
    return ""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kernel(*features): needs a scratch network namespace and these features")


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = {"", *(feature for marker in item.iter_markers("kernel") for feature in marker.args)}
    if item.get_closest_marker("kernel") is None:
        return
    missing = [reason for feature in sorted(wanted) if (reason := lacks(feature))]
    if missing:
        lacking("; ".join(missing))


@pytest.fixture
def scratch() -> Iterator[Namespace]:
    """A scratch namespace of the test's own."""
    with ScratchNamespace() as namespace:
        yield namespace


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """The start of an argument vector that runs the rest as an ordinary user (feature ``unprivileged``)."""
    return _ordinary_user() if os.geteuid() == 0 else ()


PACKETS = "packets of both judges"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tests count for themselves (``record_property``); one that failed has not said."""
    counted = [
        value
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == PACKETS
    ]
    if counted:
        terminalreporter.write_line(f"symbolic == simulator: {sum(counted):,} packets in {len(counted)} tests")
