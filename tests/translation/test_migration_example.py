"""The host of ``examples/migration``, which the page about translation moves: its policy and both translations load."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.backends.model import Output, OutputFile
from polc.cli.main import main
from polc.diagnostics import Collector
from polc.firewalls import read_firewalls
from polc.kernel.loaders import LOADERS
from polc.kernel.netns import ScratchNamespace
from polc.passes import pipeline
from polc.policy import read_policy
from polc.simulate import Flavour, Loaded, Simulator, read_host, read_packet
from polc.source import SourceFile

ROOT = Path(__file__).parents[2]
FILES = ("rules.v4", "rules.v6", "sets.ipset")
HOST = "eth0 203.0.113.1/24 2001:db8:1::1/64, eth1 192.168.10.1/24, docker0 172.17.0.1/16"
PACKETS = [
    f"{protocol} {saddr}:40000 -> {to} {way}"
    for saddr, way in (
        ("203.0.113.9", "in eth0"),
        ("198.51.100.7", "in eth0"),
        ("198.51.100.200", "in eth0"),
        ("192.0.2.55", "in eth0"),
        ("192.168.10.7", "in eth1"),
    )
    for protocol in ("tcp", "udp")
    for to in ("host:22", "host:53", "host:80", "host:9100", "host:8080", "host:8443")
] + [
    "tcp [2001:db8::9]:40000 -> host:22 in eth0",
    "tcp [2001:db8:bad::9]:40000 -> host:22 in eth0",
    "tcp [2001:db8::9]:40000 -> host:9100 in eth0",
    "tcp 192.168.10.7:40000 -> 198.51.100.1:443 in eth1 out eth0",
    "tcp 198.51.100.1:40000 -> 192.168.10.20:443 in eth0 out eth1",
    "tcp 198.51.100.1:40000 -> 192.168.10.21:443 in eth0 out eth1",
    "tcp 203.0.113.200:40000 -> 192.168.10.20:443 in eth0 out eth1",
]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT / "examples" / "migration")
    path = tmp_path / "policy.yaml"
    assert main(["translate", *FILES, "--to", "policy", "-o", str(path)]) == 0
    return path


def test_packets_meet_the_same(policy: Path) -> None:
    before = read_firewalls(FILES, "polc", Collector())
    after = (read_policy(str(policy), Collector()),)
    host = read_host(SourceFile("host", HOST))
    fates = []
    for rulesets in (before, after):
        simulator = Simulator([Loaded(pipeline.run(one), Flavour.IPTABLES) for one in rulesets], host, start=0)
        outcomes = [simulator.send(read_packet(text, host)) for text in PACKETS]
        fates.append([(one.fate, one.logs, [each.after for each in one.rewrites]) for one in outcomes])
    assert fates[0] == fates[1]
    assert len({one[0] for one in fates[0]}) == 3


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset", "recent", "nat")
def test_all_of_it_loads(policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(policy), "--allow-approximate"]) == 0, capsys.readouterr().out
    for loader in LOADERS:
        folder = tmp_path / loader.name
        assert main(["translate", *FILES, "--to", loader.target, "-o", f"{folder}/", "--allow-approximate"]) == 0
        output = Output(tuple(OutputFile(one.name, one.read_text()) for one in sorted(folder.iterdir(), reverse=True)))
        with ScratchNamespace() as namespace:
            loader.load(namespace, output)
            for file, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
                assert loader.differences(file.text, listed.text) == ()
