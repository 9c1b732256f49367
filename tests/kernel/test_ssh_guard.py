"""The SSH guards count connections, measured by making them: a real server, clients on other hosts.

Windows are shortened by editing the examples. Every attempt is a single packet (tcp_client.py), and all
ten of a burst take far less time than a token needs to come back, on a busy machine too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from compiled import every_loader, load, variant
from lab import Lab, Peer, both_families

from polc.kernel.loaders import Loader

PORT = 22
QUICK = 0.4
"""Seconds to wait for a connection: under a second, so that nothing is sent twice (RFC 6298)."""

BUCKET = ("over 10/minute burst 10", "over 20/minute burst 10")
WINDOW = ("new hits 11 in 100s", "new hits 11 in 4s")
GUARDS = {
    "bucket": (variant("ssh-guard.yaml", BUCKET), 3.3),
    "recent": (variant("ssh-guard-recent.yaml", WINDOW), 4.3),
}
"""Policy text, and the seconds of quiet after which a source may connect again."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("server", "client", "other") as lab:
        lab.peer("server", "tcp_server.py", str(PORT))
        yield lab


def connect(client: Peer, address: str, times: int) -> list[str]:
    return [client.ask("connect", address, PORT, QUICK) for _ in range(times)]


@every_loader("hashlimit", "recent", "conntrack")
@pytest.mark.parametrize("guard", GUARDS)
def test_only_the_excess_of_one_source_is_blocked(lab: Lab, loader: Loader, guard: str, tmp_path: Path) -> None:
    policy, quiet = GUARDS[guard]
    load(loader, lab["server"].namespace, policy, tmp_path)

    def scenario(family: str) -> None:
        server = lab["server"].address(family)
        client, session, other = (lab.peer(host, "tcp_client.py") for host in ("client", "client", "other"))

        assert session.ask("open", server, PORT) == "connected"
        # Thousands of packets, going on through all of the attempts.
        session.send("exchange", 5000, 1.0)
        assert connect(client, server, 9) == ["connected"] * 9, "with the session these are the first ten"
        assert connect(client, server, 1) == ["timeout"], "the eleventh is blocked"
        assert connect(other, server, 1) == ["connected"], "another source has its own count"
        assert session.receive() == "done", "an established session is never cut"
        assert session.ask("exchange", 200, 1.0) == "done", "nor after its source has been blocked"

        time.sleep(quiet)
        assert connect(client, server, 1) == ["connected"], "after a quiet time the source may come back"
        assert session.ask("exchange", 200, 1.0) == "done"

    both_families(scenario)


@every_loader("hashlimit", "conntrack")
def test_a_sustained_excess_gets_the_rate_and_no_more(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    load(loader, lab["server"].namespace, variant("ssh-guard.yaml", BUCKET), tmp_path)

    def scenario(family: str) -> None:
        client, server = lab.peer("client", "tcp_client.py"), lab["server"].address(family)
        begun = time.monotonic()
        answers = connect(client, server, 20)
        # A token comes back every three seconds, and one may have been on its way.
        assert 10 <= answers.count("connected") <= 10 + (time.monotonic() - begun) / 3 + 1, answers
        assert answers[:10] == ["connected"] * 10
        assert answers.count("timeout") >= 5, answers

    both_families(scenario)


@every_loader("recent", "conntrack")
def test_refresh_keeps_a_source_out_that_goes_on(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    load(loader, lab["server"].namespace, variant("ssh-guard-recent.yaml", WINDOW), tmp_path)

    def scenario(family: str) -> None:
        client, server = lab.peer("client", "tcp_client.py"), lab["server"].address(family)
        assert connect(client, server, 10) == ["connected"] * 10
        begun = time.monotonic()
        while time.monotonic() - begun < 5.0:
            # Longer than the window, at a pace that, each counted twice, is over eleven in four seconds.
            assert client.ask("connect", server, PORT, 0.2) == "timeout"
        time.sleep(4.3)
        assert connect(client, server, 1) == ["connected"]

    both_families(scenario)


RULE = "drop tcp/22 state new over 20/minute burst 10 per source"


@every_loader("hashlimit", "conntrack")
@pytest.mark.parametrize("counts_new_only", [True, False])
def test_without_state_new_a_session_is_cut(lab: Lab, loader: Loader, counts_new_only: bool, tmp_path: Path) -> None:
    """The mistake that the examples warn of: a guard in front of everything that counts every packet."""
    rule = RULE if counts_new_only else RULE.replace("state new ", "")
    policy = variant(
        "ssh-guard.yaml",
        BUCKET,
        (f"    - {RULE}\n", ""),
        ("    - use stateful\n", f"    - {rule}\n    - use stateful\n"),
    )
    load(loader, lab["server"].namespace, policy, tmp_path)

    def scenario(family: str) -> None:
        session = lab.peer("client", "tcp_client.py")
        assert session.ask("open", lab["server"].address(family), PORT) == "connected"
        answer = session.ask("exchange", 2000, 1.0)
        if counts_new_only:
            assert answer == "done"
        else:
            assert answer.startswith("cut after ")
            assert int(answer.split()[-1]) < 20

    both_families(scenario)
