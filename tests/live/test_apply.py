"""`polc apply` and its kin on a host of one namespace: what changes, what stays, and who is told what."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from firewall import ROADS, Firewall

from polc.kernel.netns import environment

POLICY = """\
polc: 1
addresses:
  bad: [198.51.100.1, 198.51.100.8/29]
  banned: {dynamic: true, timeout: 1h, size: 1000}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh state new counter
    - accept udp/7 counter
    - drop from @bad
    - drop from @banned
    - drop tcp/25 state new over 10/minute burst 10 per source ban @banned 1h
"""
MORE = POLICY.replace("    - drop from @bad\n", "    - accept tcp/80\n    - drop from @bad\n").replace(
    "198.51.100.8/29", "198.51.100.9"
)
ABOVE = POLICY.replace("    - use stateful\n", "    - accept tcp/443\n    - use stateful\n")

every_road = pytest.mark.parametrize(
    "road", [pytest.param(one, marks=pytest.mark.kernel(one, "ipset", "hashlimit"), id=one) for one in ROADS]
)
on_nft = pytest.mark.kernel("nft")


def send(firewall: Firewall, packets: int) -> None:
    program = f"import socket\nfor _ in range({packets}): socket.socket(2, 2).sendto(b'', ('127.0.0.1', 7))"
    firewall.run("python3", "-c", program)


def counted(firewall: Firewall) -> dict[str, int]:
    shown = json.loads(firewall.polc("status", "--counters", "--output-format", "json").output)
    return {one["origin"]: one["packets"] for one in shown["counters"] if one["packets"]}


def add_ban(firewall: Firewall, address: str) -> None:
    if firewall.road == "nft":
        firewall.run("nft", "add", "element", "inet", "polc", "banned-v4", f"{{ {address} timeout 1h }}")
    else:
        firewall.run("ipset", "add", "banned-v4", address)


def bans(firewall: Firewall) -> list[str]:
    shown = json.loads(firewall.polc("status", "--output-format", "json").output)
    return [one["text"] for held in shown["sets"] if held["name"] == "banned-v4" for one in held["top"]]


@every_road
def test_it_says_whether_it_has_changed_anything(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        first = firewall.apply(POLICY, "--output-format", "json")
        assert (first.status, json.loads(first.output)["changed"]) == (0, True)
        again = firewall.apply(POLICY, "--output-format", "json")
        assert (again.status, json.loads(again.output)["changed"]) == (0, False)
        assert firewall.apply(POLICY).output.startswith("unchanged")
        assert firewall.polc("status").status == 0


@every_road
def test_what_stays_keeps_what_it_remembers(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        firewall.apply(POLICY)
        send(firewall, 5)
        add_ban(firewall, "203.0.113.9")
        for policy, line in ((MORE, 10), (ABOVE, 11), (POLICY, 10)):
            assert firewall.apply(policy).status == 0
            assert counted(firewall)[f"policy.yaml:{line}"] == 5, "and by today's line"
            assert bans(firewall) == ["203.0.113.9"]
        assert firewall.polc("status").status == 0


@on_nft
def test_replace_begins_anew(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        send(firewall, 5)
        add_ban(firewall, "203.0.113.9")
        told = firewall.apply(MORE, "--replace")
        assert told.status == 0
        assert counted(firewall) == {}
        assert bans(firewall) == []


@on_nft
def test_a_set_that_changes_takes_its_elements_along(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        add_ban(firewall, "203.0.113.9")
        assert firewall.apply(POLICY.replace("size: 1000", "size: 2000")).status == 0
        assert bans(firewall) == ["203.0.113.9"]
        assert "size 2000" in firewall.holds()


@on_nft
def test_what_an_earlier_policy_put_into_a_filled_set_goes_with_it(tmp_path: Path) -> None:
    filled = POLICY.replace("size: 1000}", "size: 1000, elements: [192.0.2.1, 192.0.2.2]}")
    with Firewall(tmp_path) as firewall:
        told = firewall.apply(filled)
        assert told.status == 0, told.output
        add_ban(firewall, "203.0.113.9")
        firewall.apply(filled.replace(", 192.0.2.2", ""))
        assert sorted(bans(firewall)) == ["192.0.2.1", "203.0.113.9"]


@on_nft
def test_a_table_of_another_name_takes_the_place_of_the_old(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        old = firewall.holds()
        assert firewall.apply(f"{POLICY}settings: {{table: other}}\n").status == 0
        assert firewall.run("nft", "list", "tables") == "table inet other\n"
        assert firewall.polc("rollback").status == 0
        assert firewall.holds() == old


@every_road
def test_what_is_there_already_is_taken_over_only_when_asked(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        if road == "nft":
            firewall.run("nft", "add table inet polc; add chain inet polc mine")
        else:
            firewall.run(road, "-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP")
        before = firewall.holds()
        refused = firewall.apply(POLICY)
        assert (refused.status, "POL624" in refused.output) == (3, True)
        assert firewall.holds() == before
        planned = firewall.polc("plan", str(tmp_path / "policy.yaml"), "--adopt")
        assert planned.status == 0
        assert "- chain mine" in planned.output if road == "nft" else "-s 192.0.2.1/32 -j DROP" in planned.output
        assert firewall.apply(POLICY, "--adopt").status == 0
        assert firewall.polc("rollback").status == 0
        assert firewall.holds() == before, "what was there comes back"


@every_road
def test_back_to_what_ran_and_to_nothing(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        nothing = firewall.holds()
        firewall.apply(POLICY)
        first = firewall.holds()
        firewall.apply(MORE)
        second = firewall.holds()
        for command, held in ((("rollback",), first), (("rollback",), second), (("rollback", "1"), first)):
            assert firewall.polc(*command).status == 0
            assert firewall.holds() == held, command
        assert firewall.polc("rollback", "0").status == 0
        if road == "nft":
            assert firewall.holds() == nothing
        assert "polc" not in firewall.holds()
        assert firewall.polc("rollback").status == 3
        history = json.loads(firewall.polc("history", "--output-format", "json").output)
        assert history["running"] == 0
        assert [one["note"] for one in history["entries"]] == [
            "",
            "",
            "back from 2",
            "back from 3",
            "back to 1",
            "nothing",
        ]
        assert {one["outcome"] for one in history["entries"]} == {"confirmed"}
        assert len({one["digest"] for one in history["entries"][:2]}) == 2
        assert all(one["who"].startswith("root") for one in history["entries"]) or os.geteuid()


@on_nft
def test_one_waits_at_a_time(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        old = firewall.holds()
        assert "polc confirm" in firewall.apply(MORE, "--confirm", "10m").output
        refused = firewall.apply(ABOVE)
        assert (refused.status, "POL626" in refused.output) == (3, True)
        shown = firewall.polc("status").output
        assert "entry 2 waits to be confirmed" in shown
        assert firewall.polc("confirm", "1").status == 1, "another one waits"
        assert firewall.polc("rollback").status == 0
        assert firewall.holds() == old
        assert firewall.polc("confirm").status == 1
        assert "nothing waits to be confirmed; the last entry, 2, is taken back" in firewall.polc("confirm").output


@on_nft
def test_confirmed_it_stays(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        firewall.apply(MORE, "--confirm", "1.5")
        new = firewall.holds()
        assert firewall.polc("confirm", "2").status == 0
        time.sleep(3)
        assert firewall.holds() == new
        assert firewall.state()["confirmed"] == 2


@on_nft
def test_two_at_a_time_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polc.diagnostics import Failure
    from polc.live.store import Store

    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        with open(firewall.kept / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(Failure, match="POL621"), Store(str(firewall.kept), patience=0.2):
                pass
        with Store(str(firewall.kept), patience=0.2) as store:
            assert store.state().running == 1


@on_nft
def test_a_state_directory_of_root_alone(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        for path in (firewall.kept, *firewall.kept.rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path


@on_nft
@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}'])
def test_a_state_that_polc_has_not_written(text: str, tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        held = firewall.holds()
        (firewall.kept / "state.json").write_text(text)
        for command in (("status",), ("rollback",), ("confirm",)):
            told = firewall.polc(*command)
            assert (told.status, "POL622" in told.output) == (3, True), told.output
        assert firewall.apply(MORE).status == 3
        assert firewall.holds() == held


@on_nft
def test_another_boot(tmp_path: Path) -> None:
    """What was not confirmed is not what runs after a restart, and a new kernel holds nothing of it."""
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        firewall.polc("persist")
        firewall.apply(MORE, "--confirm", "10m")
        state: dict[str, Any] = firewall.state()
        (firewall.kept / "state.json").write_text(json.dumps({**state, "boot": "another"}))
        firewall.run("nft", "flush", "ruleset")
        firewall.run("sh", str(firewall.kept / "boot" / "load"))
        told = firewall.polc("status")
        assert "the machine was restarted before entry 2 was confirmed: entry 1, which boot loads, runs" in told.output
        assert told.status == 0


@every_road
def test_drift(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        firewall.apply(POLICY)
        add_ban(firewall, "203.0.113.9")
        assert firewall.polc("status").status == 0, "what is added at run time is no drift"
        if road == "nft":
            firewall.run("nft", "insert", "rule", "inet", "polc", "input", "accept")
        else:
            firewall.run(road, "-I", "INPUT", "-j", "ACCEPT")
        shown = firewall.polc("status")
        assert shown.status == 1
        assert "- rule " in shown.output
        prometheus = firewall.polc("status", "--output-format", "prometheus").output
        assert "\npolc_drift 1\n" in prometheus
        assert '\npolc_set_elements{set="banned-v4"} 1\n' in prometheus
        assert firewall.apply(POLICY).status == 0
        assert firewall.polc("status").status == 0


@on_nft
def test_a_plan_says_what_else_judges_packets(tmp_path: Path) -> None:
    others = [
        "add table inet firewalld",
        "add chain inet firewalld filter_INPUT { type filter hook input priority 10; policy accept; }",
        "add table ip f2b-table",
        "add chain ip f2b-table f2b-chain { type filter hook input priority 0; policy drop; }",
        "add table ip elsewhere",
        "add chain ip elsewhere c { type filter hook forward priority 0; }",
    ]
    with Firewall(tmp_path) as firewall:
        firewall.run("nft", "-f", "-", input="\n".join(others))
        before = firewall.holds()
        (tmp_path / "policy.yaml").write_text(POLICY)
        shown = json.loads(firewall.polc("plan", str(tmp_path / "policy.yaml"), "--output-format", "json").output)
        found = {one["program"]: one for one in shown["others"]}
        assert found.keys() == {"firewalld", "fail2ban"}
        assert "it drops all that it does not accept itself" in found["fail2ban"]["effect"]
        assert "nobody says which of the two comes first" in found["fail2ban"]["effect"]
        assert firewall.holds() == before, "a plan changes nothing"
        page = firewall.polc("plan", str(tmp_path / "policy.yaml"), "--output-format", "markdown").output
        assert page.startswith("### plan: ")
        assert "\n```diff\n+ table inet polc\n" in page


@on_nft
def test_a_plan_says_what_is_lost(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        (tmp_path / "policy.yaml").write_text(POLICY.replace("    - accept udp/7 counter\n", ""))
        shown = firewall.polc("plan", str(tmp_path / "policy.yaml")).output
        assert "lost:\n  what a rule of chain `input` has counted: `" in shown
        assert "(policy.yaml:10)" in shown


@on_nft
def test_what_the_kernel_refuses_changes_nothing(tmp_path: Path) -> None:
    native = POLICY.replace(
        "    - drop from @bad\n", "    - native: {nft: 'ip saddr @nowhere drop', iptables: '-j DROP'}\n"
    )
    with Firewall(tmp_path) as firewall:
        firewall.apply(POLICY)
        held = firewall.holds()
        told = firewall.apply(native)
        assert told.status in (2, 3), told.output
        assert firewall.holds() == held
        assert firewall.state()["pending"] is None


@on_nft
def test_every_rule_counts_when_asked(tmp_path: Path) -> None:
    policy = "polc: 1\ninput: {default: drop, rules: [drop udp/7, accept tcp/1 limit 5/second, 'log \"x\" tcp/2']}\n"
    with Firewall(tmp_path) as firewall:
        assert firewall.apply(policy, "--count").status == 0
        send(firewall, 3)
        assert counted(firewall) == {"policy.yaml:2": 3}
        assert firewall.holds().count("counter") == 4, "a limit counts for each family"
        assert firewall.polc("status", str(tmp_path / "policy.yaml")).status == 0, "compiled as it was"
        assert firewall.apply(policy).status == 0
        assert "counter" not in firewall.holds()


@pytest.mark.kernel("nft", "unprivileged")
def test_a_set_too_large_for_one_message_is_filled_before_rules_name_it(tmp_path: Path) -> None:
    """In a user namespace a message has a limit, which tens of thousands of addresses are over."""
    many = ", ".join(f"10.{n // 250}.{n % 250}.{n % 7 * 2}" for n in range(40_000))
    policy = f"polc: 1\naddresses: {{many: [{many}]}}\ninput: {{default: drop, rules: [drop from @many, accept ssh]}}\n"
    (tmp_path / "large.yaml").write_text(policy)
    (tmp_path / "small.yaml").write_text(policy.replace("drop from @many, ", "").replace(f"{many}", "10.0.0.1"))
    polc = f"{sys.executable} -m polc apply --state-dir {tmp_path}/state"
    script = f"""
    {polc} {tmp_path}/small.yaml && {polc} {tmp_path}/large.yaml && {polc} {tmp_path}/large.yaml &&
    nft -j list table inet polc >{tmp_path}/listed
    """
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script],
        capture_output=True, text=True, env={**environment(), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["changed", "changed", "unchanged"]
    (held,) = [one["set"] for one in json.loads((tmp_path / "listed").read_text())["nftables"] if "set" in one]
    assert len(held["elem"]) == len(set(many.split(", ")))


@pytest.mark.kernel("nft", "iptables-nft")
def test_rules_that_nft_does_not_list_whole_are_not_taken_over(tmp_path: Path) -> None:
    """Nothing would lead back to them."""
    with Firewall(tmp_path) as firewall:
        statistic = ("-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0")
        firewall.run("iptables-nft", "-A", "INPUT", *statistic, "-j", "DROP")
        before = firewall.holds()
        policy = f"{POLICY}settings: {{table: filter, family: ip}}\n"
        told = firewall.apply(policy, "--adopt")
        assert (told.status, "POL624" in told.output) == (3, True), told.output
        told = firewall.polc("plan", str(tmp_path / "policy.yaml"), "--adopt")
        assert (told.status, "POL624" in told.output) == (3, True), "no plan that could not be done"
        assert "take them over with `--target iptables --variant nft --adopt`" in told.output
        assert firewall.holds() == before
        plan = ("plan", f"{tmp_path}/policy.yaml", "--state-dir", f"{tmp_path}/other")
        advice = ("--target", "iptables", "--variant", "nft", "--adopt")
        advised = firewall.namespace.run([sys.executable, "-m", "polc", *plan, *advice])
        assert (advised.returncode, "--mode nth" in advised.stdout) == (0, True), advised.stderr
