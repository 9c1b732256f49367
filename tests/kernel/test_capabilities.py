"""The profile of this host: measured by trying, and refused by name what its kernel was built without."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from polc.backends.features import Feature
from polc.backends.profile import HOST, Profile
from polc.backends.registry import BACKENDS
from polc.cli.main import main
from polc.kernel import capabilities, probes_iptables, probes_nft
from polc.kernel.capabilities import measure
from polc.kernel.netns import environment

BOTH = frozenset(BACKENDS)
KERNEL = {
    Feature.FLOWTABLE: {Feature.FLOWTABLE_JSON, Feature.FLOWTABLE_OFFLOAD},
    Feature.QUEUE: {Feature.QUEUE_EXPRESSION},
}
"""What an option of the kernel decides, and what goes with it: whatever else versions have, a host has too."""

FORBID = ("unshare", "--user", "--map-root-user", "sh", "-c",
          'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"', "sh")  # fmt: skip


def test_every_feature_has_a_probe() -> None:
    probes = {*probes_nft.PROBES, *probes_iptables.LINES, *probes_iptables.CREATES}
    assert probes == set(Feature)
    assert {one.target for one in probes_nft.PROBES} == {"nft"}
    assert {one.target for one in (*probes_iptables.LINES, *probes_iptables.CREATES)} == {"iptables"}


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset")
def test_this_host_is_measured_as_its_versions_say_but_for_its_kernels_options() -> None:
    host = measure(BOTH)
    assert host.name == HOST
    assert host.present | host.absent == set(Feature)
    by_versions = Profile("versions", host.nft, host.iptables, host.kernel)
    more = {one for one in host.present if not by_versions.has(one)}
    # A distribution may have put a fix into an older release.
    assert all(one.target == "nft" for one in more)
    optional = {one for one in Feature if one.target == "iptables"}
    optional |= {one for gap, others in KERNEL.items() if gap in host.absent for one in (gap, *others)}
    assert {one for one in host.absent if by_versions.has(one)} <= optional


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset")
def test_what_every_kernel_for_containers_has_is_found() -> None:
    host = measure(BOTH)
    common = {Feature.LIMIT, Feature.CT, Feature.NAT, Feature.REJECT, Feature.LOG, Feature.CONCAT_RANGES}
    common |= {Feature.XT_CONNTRACK, Feature.XT_COMMENT, Feature.XT_MULTIPORT, Feature.XT_REJECT, Feature.IPSET_HASH_IP}
    assert common <= host.present


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset")
def test_it_does_not_take_long() -> None:
    started = time.monotonic()
    measure.__wrapped__(BOTH)
    assert time.monotonic() - started < 10  # a second on an idle machine
    assert measure(BOTH) is measure(BOTH)


@pytest.mark.kernel("nft", "iptables-nft")
def test_a_probe_that_fails_is_a_feature_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probes_nft.PROBES, Feature.LIMIT, probes_nft.NftProbe("table inet TABLE { nonsense }\n"))
    lost = replace(probes_nft.PROBES[Feature.CHAIN_COMMENT], listed="something else")
    monkeypatch.setitem(probes_nft.PROBES, Feature.CHAIN_COMMENT, lost)
    said = probes_nft.NftProbe("table inet TABLE { nonsense }\n", tolerated="syntax error")
    monkeypatch.setitem(probes_nft.PROBES, Feature.DESTROY, said)
    monkeypatch.setitem(probes_iptables.LINES, Feature.XT_LIMIT, (probes_iptables.Line("-m nonsense"),))
    host = measure.__wrapped__(BOTH)
    assert {Feature.LIMIT, Feature.CHAIN_COMMENT, Feature.XT_LIMIT} <= host.absent
    assert {Feature.DESTROY, Feature.SET_COMMENT, Feature.XT_MULTIPORT} <= host.present


@pytest.mark.kernel("nft")
def test_only_what_is_asked_for_is_tried() -> None:
    host = measure(frozenset({"nft"}))
    assert {one.target for one in host.present | host.absent} == {"nft"}


@pytest.mark.kernel("iptables-nft")
def test_one_variant_of_iptables_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_VARIANTS", ("nft", "none"))
    assert Feature.XT_CONNTRACK in measure.__wrapped__(frozenset({"iptables"})).present


def test_tools_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(capabilities, "search_path", lambda: "/nowhere")
    monkeypatch.setattr("polc.kernel.programs.search_path", lambda: "/nowhere")
    example = str(Path(__file__).parents[2] / "examples" / "ssh-guard.yaml")
    measure.cache_clear()
    for target, tool in (("nft", "nft"), ("iptables", "iptables-nft-restore")):
        assert main(["compile", example, "--target", target, "--for", "host"]) == 3
        assert f"error[POL601]: `{tool}` is not installed" in capsys.readouterr().err


@pytest.mark.kernel("nft")
def test_a_host_compiles_what_it_can_hold(capsys: pytest.CaptureFixture[str]) -> None:
    example = str(Path(__file__).parents[2] / "examples" / "ssh-guard.yaml")
    assert main(["compile", example, "--target", "nft", "--for", "host"]) == 0
    assert capsys.readouterr().out.startswith('{"nftables"')


FAST = """\
polc: 1
flowtables: {fast: {devices: [eth0]}}
forward:
  default: drop
  rules:
    - flow add @fast
    - accept tcp/80
"""


@pytest.mark.kernel("nft")
def test_what_this_kernel_was_built_without_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(probes_nft.PROBES, Feature.FLOWTABLE, probes_nft.NftProbe("table inet TABLE { nonsense }\n"))
    policy = tmp_path / "policy.yaml"
    policy.write_text(FAST)
    measure.cache_clear()
    try:
        status = main(["compile", str(policy), "--target", "nft", "--format", "text", "--for", "host"])
    finally:
        measure.cache_clear()
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert "error[POL402]: nft cannot say this: this host has no flowtables" in said.err
    assert "= help: it takes a kernel with CONFIG_NF_FLOW_TABLE" in said.err
    assert f"--> {policy}:6:7" in said.err


@pytest.mark.kernel
def test_without_namespaces_the_host_cannot_be_measured() -> None:
    example = str(Path(__file__).parents[2] / "examples" / "ssh-guard.yaml")
    argv = [sys.executable, "-m", "polc", "compile", example, "--target", "nft", "--for", "host"]
    done = subprocess.run([*FORBID, *argv], capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 3, done.stderr
    assert "error[POL602]: cannot make a scratch network namespace" in done.stderr
    assert done.stdout == ""
