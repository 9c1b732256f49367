"""Files of probes are read back to the same, and captures by other programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest
from test_plan import POLICIES, ROOT, of

from polc.diagnostics import Failure
from polc.ir.filling import Filling
from polc.ir.intervals import Intervals
from polc.ir.selectors import InterfacePattern, KeyType
from polc.probing import files
from polc.probing.make import plan
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from polc.source import SourceFile

FILLED = ROOT / "tests" / "golden" / "filled.yaml"


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_what_is_written_is_read(path: Path, tmp_path: Path) -> None:
    made = plan((Loaded(of(path)),), wish=Wish(wait=7))
    file = tmp_path / "probes.json"
    files.write(made, str(file))
    assert files.read(SourceFile("probes.json", file.read_text())) == made.scenes


EVERY_TYPE = Filling(
    "inet polc",
    "every",
    tuple(KeyType),
    (
        (
            Intervals(((0xC6336400, 0xC63364FF),)),
            Intervals(((1, 5), (9, 9))),
            Intervals(((22, 23),)),
            Intervals.single(6),
            InterfacePattern("eth0"),
            Intervals.single(8),
            Intervals.single((1 << 32) - 1),
            Intervals.single((1 << 48) - 1),
        ),
    ),
)


def test_what_is_put_into_sets_is_read(tmp_path: Path) -> None:
    made = plan((Loaded(of(FILLED)),))
    scenes = (*made.scenes, replace(made.scenes[0], fillings=(EVERY_TYPE,)))
    assert any(one.fillings for one in made.scenes)
    file = tmp_path / "probes.json"
    files.write(replace(made, scenes=scenes), str(file))
    assert files.read(SourceFile("probes.json", file.read_text())) == scenes
    assert '"198.51.100.0/24"' in file.read_text()


def test_a_capture_has_all_packets(tmp_path: Path) -> None:
    made = plan((Loaded(of(POLICIES[0])),))
    file = tmp_path / "probes.pcap"
    files.write(made, str(file))
    with file.open("rb") as opened:
        reader = dpkt.pcap.Reader(opened)
        assert reader.datalink() == 101
        packets = [(stamp, data) for stamp, data in reader]
    assert len(packets) == sum(len(scene.packets) for scene in made.scenes)
    assert [stamp for stamp, _ in packets] == sorted(stamp for stamp, _ in packets)
    sent = [packet for scene in made.scenes for probe in scene.probes for packet in probe.packets]
    assert [data[0] >> 4 for _, data in packets] == [4 if one.family.value == "ip" else 6 for one in sent]


HOST = {"interfaces": {"eth0": {"addresses": ["192.0.2.1/24"]}}}
PACKET = {"protocol": "tcp", "source": "192.0.2.9:1", "destination": "host:22", "in": "eth0"}
PROBE = {"chain": "input", "rule": 0, "about": "x", "packets": [PACKET]}


def with_probe(**changes: object) -> str:
    return json.dumps({"polc-probes": 1, "scenes": [{"host": HOST, "probes": [{**PROBE, **changes}]}]})


FILLING = {"table": "inet polc", "set": "x", "types": ["ipv4_addr"], "elements": [["192.0.2.9"]]}


def with_filling(**changes: object) -> str:
    scene = {"host": HOST, "probes": [PROBE], "fillings": [{**FILLING, **changes}]}
    return json.dumps({"polc-probes": 1, "scenes": [scene]})


BROKEN = {
    with_filling(set=1): "POL066",
    with_filling(types=[]): "POL066",
    with_filling(types=["ipv4"]): "POL066",
    with_filling(elements=["192.0.2.9"]): "POL066",
    with_filling(elements=[["192.0.2.9", "1"]]): "POL066",
    with_filling(elements=[["2001:db8::1"]]): "POL066",
    with_filling(elements=[["192.0.2"]]): "POL066",
    with_filling(types=["mark"], elements=[["0x1"]]): "POL066",
    with_filling(types=["mark"], elements=[["9-8"]]): "POL066",
    json.dumps({"polc-probes": 1, "scenes": [{"host": HOST, "probes": [PROBE], "fillings": 1}]}): "POL066",
    "{": "POL066",
    "[]": "POL066",
    '{"polc-probes": 2}': "POL066",
    '{"polc-probes": 1}': "POL066",
    '{"polc-probes": 1, "scenes": [1]}': "POL066",
    json.dumps({"polc-probes": 1, "scenes": [{"host": {}, "probes": []}]}): "POL063",
    with_probe(packets=[]): "POL066",
    with_probe(rule="x"): "POL066",
    with_probe(packets=[{"wait": "1s"}]): "POL066",
    with_probe(packets=[{"protocol": "x"}]): "POL061",
    with_probe(after="1s"): "POL066",
    with_probe(after=-1): "POL066",
    json.dumps({"polc-probes": 1, "scenes": [{"host": HOST, "probes": [PROBE], "answered": [1]}]}): "POL066",
    json.dumps({"polc-probes": 1, "scenes": [{"host": HOST, "probes": [PROBE], "answered": 0}]}): "POL066",
}


@pytest.mark.parametrize(("text", "code"), BROKEN.items())
def test_another_file_is_refused(text: str, code: str) -> None:
    with pytest.raises(Failure) as refused:
        files.read(SourceFile("probes.json", text))
    assert refused.value.diagnostics[0].code == code


def test_a_file_that_is_right() -> None:
    text = json.dumps({"polc-probes": 1, "scenes": [{"host": HOST, "probes": [PROBE]}]})
    (scene,) = files.read(SourceFile("probes.json", text))
    assert scene.probes[0].packets[0].dport == 22
    assert scene.probes[0].after == 0
    assert scene.answered == ()
    text = json.dumps(
        {"polc-probes": 1, "scenes": [{"host": HOST, "probes": [{**PROBE, "after": 1500}], "answered": [0]}]}
    )
    (scene,) = files.read(SourceFile("probes.json", text))
    assert scene.probes[0].after == 1.5
    assert scene.answered == (0,)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="POL051"):
        files.write(plan((Loaded(of(POLICIES[0])),)), str(tmp_path / "none" / "probes.json"))
