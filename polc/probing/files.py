"""Probes in files: as JSON, which is read back to the same, and as a capture for other programs."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path

from polc.diagnostics import Failure
from polc.ir.addresses import format_address
from polc.kernel.stage.encode import encode
from polc.probing.fillings import filling_json, read_filling
from polc.probing.model import Plan, Probe, Scene
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.simulate.json_steps import read_json_step
from polc.simulate.packet import Packet
from polc.simulate.packet_format import Json, mac_text, packet_json
from polc.simulate.steps import Send
from polc.simulate.talks import Talks
from polc.source import SourceFile, Span

_VERSION = 1
_LONGEST = 86_400_000
"""Milliseconds that a probe may wait."""

_CAPTURE = (0xA1B2C3D4, 2, 4, 0, 0, 0x40000, 101)
"""The head of a capture: magic, version, zone, precision, longest packet, and the link type of bare datagrams
(www.tcpdump.org/manpages/pcap-savefile.5.html, linktypes.html).
"""


def write(plan: Plan, path: str) -> None:
    """Write the probes to a file: ``.pcap`` is a capture of all packets, anything else JSON.

    Raises:
        Failure: POL051.
    """
    data = _capture(plan.scenes) if path.endswith(".pcap") else _text(plan).encode()
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise Failure.of("POL051", f"cannot write {path}: {(error.strerror or 'error').lower()}") from None


def read(source: SourceFile) -> tuple[Scene, ...]:
    """The scenes of a file of probes.

    Raises:
        Failure: POL061 to POL063, POL066.
    """
    whole = source.span(0, min(len(source.text), 1))
    try:
        tree = json.loads(source.text)
    except (json.JSONDecodeError, RecursionError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise Failure.of("POL066", "the file of probes is no JSON", source.span(at, at + 1)) from None
    if not isinstance(tree, dict) or tree.get("polc-probes") != _VERSION:
        raise Failure.of("POL066", f'this is no file of probes: it has no `"polc-probes": {_VERSION}`', whole)
    return tuple(_scene(one, whole) for one in _list(tree, "scenes", whole))


def _text(plan: Plan) -> str:
    scenes = [_scene_json(scene) for scene in plan.scenes]
    return json.dumps({"polc-probes": _VERSION, "scenes": scenes}, indent=1) + "\n"


def _scene_json(scene: Scene) -> dict[str, Json]:
    made: dict[str, Json] = {
        "host": _host_json(scene.host),
        "probes": [_probe_json(probe) for probe in scene.probes],
        "answered": list(scene.answered),
    }
    return {**made, "fillings": [filling_json(one) for one in scene.fillings]} if scene.fillings else made


def _probe_json(probe: Probe) -> dict[str, Json]:
    made: dict[str, Json] = {
        "chain": probe.place[0],
        "rule": probe.place[1],
        "decides": probe.decides,
        "about": probe.about,
        "packets": [packet_json(packet) for packet in probe.packets],
    }
    return {**made, "after": round(probe.after * 1000)} if probe.after else made


def _host_json(host: Host) -> dict[str, Json]:
    interfaces: dict[str, Json] = {}
    for one in host.interfaces:
        made: dict[str, Json] = {
            "addresses": [f"{format_address(at.family, at.address)}/{at.length}" for at in one.addresses],
            "group": one.group,
            "mtu": one.mtu,
        }
        if one.mac is not None:
            made["mac"] = mac_text(one.mac)
        interfaces[one.name] = made
    routes: list[Json] = []
    for route in host.routes:
        to = f"{format_address(route.family, route.network)}/{route.length}"
        routes.append(
            {"to": to, "interface": route.interface} if route.interface else {"to": to, "type": route.type.value}
        )
    return {"interfaces": interfaces, "routes": routes, "forwarding": host.forwarding, "rp_filter": host.rp_filter}


def _scene(tree: object, whole: Span) -> Scene:
    values = _object(tree, "a scene", whole)
    host = read_host(SourceFile("host", json.dumps(_object(values.get("host"), "`host`", whole))))
    probes = tuple(_probe(one, host, whole) for one in _list(values, "probes", whole))
    answered = values.get("answered", [])
    count = sum(len(one.packets) for one in probes)
    if not isinstance(answered, list) or not all(type(one) is int and 0 <= one < count for one in answered):
        raise Failure.of("POL066", "`answered` are numbers of packets", whole)
    fillings = _list(values, "fillings", whole) if "fillings" in values else []
    return Scene(host, probes, tuple(answered), tuple(read_filling(one, whole) for one in fillings))


def _probe(tree: object, host: Host, whole: Span) -> Probe:
    values = _object(tree, "a probe", whole)
    chain, number, about = values.get("chain"), values.get("rule"), values.get("about")
    if not isinstance(chain, str) or not isinstance(number, int) or not isinstance(about, str):
        raise Failure.of("POL066", "a probe has `chain`, `rule` and `about`", whole)
    packets = tuple(_packet(one, host, whole) for one in _list(values, "packets", whole))
    if not packets:
        raise Failure.of("POL066", "a probe has a packet", whole)
    after = values.get("after", 0)
    if type(after) is not int or not 0 <= after <= _LONGEST:
        raise Failure.of("POL066", f"`after` is a number of milliseconds, at most {_LONGEST}", whole)
    return Probe((chain, number), packets, values.get("decides") is True, about, after / 1000)


def _packet(tree: object, host: Host, whole: Span) -> Packet:
    step = read_json_step(tree, whole).step(host)
    if not isinstance(step, Send):
        raise Failure.of("POL066", "a probe has packets alone", whole)
    return step.packet


def _object(value: object, what: str, whole: Span) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Failure.of("POL066", f"{what} is an object", whole)
    return value


def _list(values: dict[str, object], name: str, whole: Span) -> list[object]:
    found = values.get(name)
    if not isinstance(found, list):
        raise Failure.of("POL066", f"`{name}` is a list", whole)
    return found


def _capture(scenes: Iterable[Scene]) -> bytes:
    """A millisecond from packet to packet, besides the waits, and an hour from host to host; what comes in and what the
    host sends, but no answers.
    """
    parts = [struct.pack("<IHHiIII", *_CAPTURE)]
    for number, scene in enumerate(scenes):
        talks = Talks()
        at = 0
        for probe in scene.probes:
            at += round(probe.after * 1_000_000)
            for packet in probe.packets:
                data = encode(talks.numbered(packet))
                seconds, micros = divmod(at, 1_000_000)
                parts.append(struct.pack("<IIII", number * 3600 + seconds, micros, len(data), len(data)) + data)
                at += 1000
    return b"".join(parts)
