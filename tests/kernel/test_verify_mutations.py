"""``polc verify --mutations``: deliberate faults are really loaded, and counted as seen or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compiled import every_loader

from polc.backends.model import Output
from polc.cli.main import main
from polc.compiler import emit, read
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import Loader, NftLoader
from polc.kernel.stage.stage import Stage
from polc.mutations.table import mutants
from polc.probing.certify import flavour_of
from polc.probing.faults import Bait, Effect, effect_of
from polc.probing.hosts import Hosts
from polc.probing.lots import BY_LOT
from polc.probing.make import plan
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from polc.simulate.packet import Packet

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses:
  seen: {dynamic: true, timeout: 1h, size: 100}
input:
  default: drop
  rules:
    - accept state established, related
    - accept tcp/22-25 from wan 192.0.2.0/24
    - accept udp/7 limit 2/second burst 3
    - drop udp/8 over 10/minute burst 2 per source ban @seen 1h
    - accept udp/8
forward:
  default: drop
  rules:
    - drop tcp where tcp flags syn, fin / syn, fin
    - accept from lan to wan
    - accept tcp/8080 from wan to 192.0.2.10 where ct status dnat
nat:
  - dnat tcp/80 from wan to 203.0.113.1 -> 192.0.2.10:8080
  - masquerade from lan 0.0.0.0/0 to wan
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]]]:
    status = main(["verify", "--output-format", "json", "--longest-wait", "0.7", *arguments])
    return status, json.loads(capsys.readouterr().out)["mutations"]


@ALL
def test_all_are_seen_on_every_loader(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, loaders = found(capsys, str(policy), "--mutations", "60", "--seed", "3")
    assert status == 0, json.dumps(loaders)[:3000]
    assert [one["loader"] for one in loaders] == ["nft", "iptables-nft", "iptables-legacy"]
    for one in loaders:
        trials = one["trials"]
        assert isinstance(trials, list)
        assert one["mutations"] == len(trials) == 60
        assert one["sound"] is True
        counts = one["verdict"]
        assert isinstance(counts, dict)
        assert counts["seen"] > 25
        assert counts["missed"] == 0, one
        for trial in trials:
            assert bool(trial["packet"]) == bool(trial["seen"])
            assert trial["expected"] != trial["seen"] or not trial["packet"]


@ALL
def test_a_check_that_looks_at_little_is_told_so(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Few packets show few faults, and then the exit status is 1."""
    probes = tmp_path / "probes.json"
    assert main(["verify", str(policy), "--write-probes", str(probes), "--loader", "nft", "--longest-wait", "0"]) == 0
    tree = json.loads(probes.read_text())
    tree["scenes"] = tree["scenes"][:1]
    tree["scenes"][0]["probes"] = tree["scenes"][0]["probes"][:2]
    tree["scenes"][0]["answered"] = []
    probes.write_text(json.dumps(tree))
    capsys.readouterr()
    arguments = [str(policy), "--probes", str(probes), "--loader", "nft", "--mutations", "40"]
    status, (one,) = found(capsys, *arguments)
    assert status == 1
    assert isinstance(one["rate"], float)
    assert one["rate"] < 0.5
    assert main(["verify", *arguments]) == 1
    out = capsys.readouterr().out
    assert "not seen: " in out
    assert "that change a verdict are seen" in out


def test_usage(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--mutations", "0"], ["--mutations", "x"], ["--mutations", "--no-packets"]):
        assert main(["verify", str(policy), *arguments]) == 2
    assert main(["verify", str(policy), "--longest-wait", "-1"]) == 2
    assert "--mutations takes a number" in capsys.readouterr().err


def ruleset_of(path: Path) -> Ruleset:
    return read(str(path))


def test_effects(policy: Path) -> None:
    ruleset = ruleset_of(policy)
    effects = {one: effect_of((ruleset,), (one.ruleset,), flavour_of(NftLoader()))[0] for one in mutants(ruleset)}
    kinds = {effect: {one.mutation for one in effects if effects[one] is effect} for effect in Effect}
    assert {"rule dropped", "port off by one", "prefix widened", "limit removed", "NAT lost"} <= kinds[Effect.VERDICT]
    assert "statement lost" in kinds[Effect.MEMORY]
    assert "order swapped" in kinds[Effect.NOTHING]


@every_loader("conntrack", "nat")
def test_a_fault_is_seen_and_leaves_nothing_behind(loader: Loader, policy: Path) -> None:
    ruleset = ruleset_of(policy)
    made = plan((Loaded(ruleset, flavour_of(loader)),), wish=Wish(wait=0))
    with Hosts(made.scenes) as hosts:
        whole = emit(ruleset, loader.target)
        bait = Bait(made, (ruleset,), loader, whole, hosts)
        assert not bait.disagreements
        assert bait.tried(whole, None).seen is None
        dropped = [one for one in mutants(ruleset) if one.mutation == "rule dropped" and one.chain == "forward"]
        for one in dropped:
            attempt = bait.tried(emit(one.ruleset, loader.target), ("forward", one.number or 0))
            assert attempt.seen is not None
            assert attempt.seen.seen != attempt.seen.expected
        broken = Output(tuple(type(file)(file.name, file.text.replace("eth1", "e" * 40)) for file in whole.files))
        assert bait.tried(broken, None).refused
        assert bait.holds(whole)


@every_loader("conntrack", "nat")
def test_a_stage_that_is_cleared_is_as_new(loader: Loader, policy: Path) -> None:
    ruleset = ruleset_of(policy)
    made = plan((Loaded(ruleset, flavour_of(loader)),), wish=Wish(wait=0))
    scene = made.scenes[0]
    output = emit(ruleset, loader.target)

    def kept(stage: Stage) -> str:
        script = (
            "cat /proc/net/nf_conntrack /proc/net/nf_conntrack_expect 2>/dev/null; ipset list -n; "
            "for one in iptables ip6tables; do $one-legacy-save; done | grep ^-A; nft list tables | grep -v polc-stage"
        )
        return stage.namespace.run(["sh", "-c", script]).stdout

    def sent(stage: Stage, packets: list[Packet]) -> list[str]:
        stage.load(loader, output)
        return [one.verdict.value for one in stage.put_all(packets)]

    with Stage(scene.host) as stage:
        stage.join(scene.packets)
        first = sent(stage, scene.packets)
        assert kept(stage)
        stage.clear()
        assert kept(stage) == ""
        assert sent(stage, scene.packets) == first


HARD = """\
polc: 1
raw:
  prerouting: ["notrack tcp/80 where tcp flags syn / syn,ack"]
input:
  default: drop
  rules:
    - accept udp/1 quota upto 10 mbytes
    - accept udp/2 probability 0.5
    - drop udp/2
    - synproxy mss 1460 wscale 7 timestamp sack-perm tcp/80 state untracked
"""
WAYS = {
    "input/0": ("limit removed", "used up"),
    "input/2": ("rule dropped", BY_LOT),
    "input/3": ("accept for drop", BY_LOT),
    "raw-prerouting/0": ("rule dropped", "what it asks for"),
}
"""Of rules that only many bytes, many packets of which some are let through, or an answer of synproxy show: a fault,
and what the packet that shows it is about. The rule that counts is two, one for each family.
"""


@every_loader("conntrack")
@pytest.mark.parametrize(("where", "how"), WAYS.items(), ids=WAYS)
def test_faults_that_are_hard_to_see(loader: Loader, where: str, how: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "hard.yaml"
    path.write_text(HARD)
    ruleset = ruleset_of(path)
    made = plan((Loaded(ruleset, flavour_of(loader)),), wish=Wish(wait=0))
    chain, _, number = where.partition("/")
    with Hosts(made.scenes) as hosts:
        bait = Bait(made, (ruleset,), loader, emit(ruleset, loader.target), hosts)
        assert not bait.disagreements
        (fault,) = (
            one for one in mutants(ruleset) if (one.chain, one.number, one.mutation) == (chain, int(number), how[0])
        )
        attempt = bait.tried(emit(fault.ruleset, loader.target), (chain, int(number)))
        assert attempt.seen is not None
        assert attempt.seen.probe.about == how[1]
        assert bait.holds(emit(ruleset, loader.target))
