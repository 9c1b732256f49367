"""What boot loads: what was confirmed, by a script that needs no polc; and how a host stays where that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from firewall import ROADS, Firewall
from needed import lacking

UNIT = Path(__file__).parents[2] / "integrations" / "systemd" / "polc.service"
FIRST = """\
polc: 1
addresses: {bad: [198.51.100.1, 203.0.113.0/24]}
input: {default: drop, rules: [drop from @bad, accept ssh]}
"""
SECOND = FIRST.replace("accept ssh", "accept tcp/2222")


def load(firewall: Firewall) -> int:
    return firewall.namespace.run(["sh", str(firewall.kept / "boot" / "load")]).returncode


def forget(firewall: Firewall) -> None:
    """As a kernel that has just started."""
    firewall.run("nft", "flush", "ruleset")
    for tool in ("iptables", "ip6tables"):
        firewall.run(f"{tool}-legacy-restore", input="*filter\n:INPUT ACCEPT\nCOMMIT\n")
    firewall.run("ipset", "destroy")


WAYS = [
    pytest.param(road, options, marks=pytest.mark.kernel(road, "ipset"), id=f"{road}{' '.join(options)}")
    for road in ROADS
    for options in ([()] if road == "nft" else [("--ipset", "always"), ("--ipset", "always", "--layout", "coexist")])
]


@pytest.mark.parametrize(("road", "options"), WAYS)
def test_what_is_confirmed_is_loaded(road: str, options: tuple[str, ...], tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        assert firewall.polc("persist").status == 3, "nothing is confirmed"
        assert firewall.apply(FIRST, *options).status == 0
        first = firewall.holds()
        assert firewall.polc("persist").status == 0
        assert firewall.apply(SECOND, *options, "--confirm", "600").status == 0
        second = firewall.holds()

        forget(firewall)
        assert load(firewall) == 0
        assert firewall.holds() == first, "what nobody has confirmed is not loaded"

        firewall.polc("rollback")
        assert firewall.apply(SECOND, *options, "--confirm", "600").status == 0
        assert firewall.polc("confirm").status == 0
        forget(firewall)
        assert load(firewall) == 0
        assert firewall.holds() == second

        assert firewall.polc("persist", "--off").status == 0
        forget(firewall)
        assert load(firewall) == 0
        assert "2222" not in firewall.holds()


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("mode", ["closed", "open"])
def test_what_cannot_be_loaded_leaves_the_host_as_asked(mode: str, tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        assert firewall.apply(FIRST).status == 0
        assert firewall.polc("persist", "--on-failure", mode).status == 0
        (file,) = (firewall.kept / "boot" / "1").iterdir()
        whole = file.read_text()
        firewall.run("nft", "flush", "ruleset")
        file.write_text(whole[: len(whole) // 2])
        assert load(firewall) == 1
        held = firewall.holds()
        assert ("policy drop" in held) is (mode == "closed")
        assert ('iifname "lo" accept' in held) is (mode == "closed")
        file.write_text(whole)
        assert load(firewall) == 0
        assert "polc_closed" not in firewall.holds(), "it is taken away with the next that is loaded"


@pytest.mark.parametrize(("road", "options"), WAYS)
def test_what_takes_too_long_leaves_the_host_closed(road: str, options: tuple[str, ...], tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        assert firewall.apply(FIRST, *options).status == 0
        assert firewall.polc("persist").status == 0
        (script, *_) = sorted((firewall.kept / "boot" / "1").glob("r*"))
        script.unlink()
        os.mkfifo(script)  # whoever reads it waits
        forget(firewall)
        # As systemd does it: the signal goes to all that the unit has started.
        done = firewall.namespace.run(["timeout", "1", "sh", str(firewall.kept / "boot" / "load")])
        assert "could not be loaded; the host stays closed" in done.stderr
        assert "table inet polc_closed" in firewall.run("nft", "list", "tables")


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("again", [FIRST, SECOND])
def test_a_closed_host_is_open_again_when_a_ruleset_is_confirmed(again: str, tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        assert firewall.apply(FIRST).status == 0
        assert firewall.polc("persist").status == 0
        (file,) = (firewall.kept / "boot" / "1").iterdir()
        whole = file.read_text()
        file.write_text("no ruleset")
        firewall.run("nft", "flush", "ruleset")
        assert load(firewall) == 1
        assert firewall.apply(again, "--confirm", "600").status == 0
        assert "table inet polc_closed" in firewall.holds(), "while it could still go back, it stays closed"
        assert firewall.polc("confirm").status == 0
        assert "polc_closed" not in firewall.holds()

        assert firewall.apply(FIRST).status == 0
        file = next((firewall.kept / "boot").rglob(file.name))
        file.write_text("no ruleset")
        assert load(firewall) == 1
        assert "polc_closed" in firewall.holds()
        file.write_text(whole)
        done = firewall.apply(FIRST)
        assert done.status == 0
        assert "polc_closed" not in firewall.holds(), "also where nothing else has to be done"


def test_systemd_takes_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        lacking("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True)
    assert done.returncode == 0
    assert not done.stderr
