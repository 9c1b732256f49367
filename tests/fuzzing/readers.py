"""The readers: what becomes of any bytes, up to the end of the road that such a file takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from polc.backends.model import Options
from polc.backends.registry import BACKENDS
from polc.compiler import describe, produce
from polc.diagnostics import Collector, Failure
from polc.diagnostics.json import render as render_json
from polc.diagnostics.text import render
from polc.importers.iptables.read import Input, Kind, read
from polc.importers.nft_json import read_nft_json
from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.simulate.engine import Simulator
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.simulate.json_steps import read_json_steps
from polc.simulate.packet_text import read_step
from polc.simulate.pcap import is_capture, read_capture
from polc.source import SourceFile

HOST = "eth0 203.0.113.1/24 2001:db8::1/64, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0, ::/0 via eth0"
_MOST_STEPS = 50


def told(work: Callable[[Collector], object]) -> None:
    """Do it; diagnostics are shown as they would be, and are no fault."""
    collector = Collector()
    try:
        work(collector)
    except Failure as failure:
        found = failure.diagnostics
    else:
        found = tuple(collector.in_order())
    render(found)
    render_json(found)


def source(data: bytes) -> SourceFile:
    return SourceFile("fuzzed", data.decode("utf-8", "replace"))


def _written(rulesets: tuple[Ruleset, ...]) -> None:
    """On each target, in each format, with what is said of it."""
    for one in rulesets:
        ready = pipeline.run(one)
        for name, backend in BACKENDS.items():
            for form in backend.formats:
                output = produce(ready, name, Options(form))
                render([describe(deviation, name) for deviation in output.deviations])


def _iptables(kind: Kind) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        text = source(data)
        families = tuple(Family) if kind is Kind.RESTORE else (Family.IP,)
        for family in families:
            told(lambda collector, family=family: _written(read([Input(text, kind, family)], collector)))  # type: ignore[misc]

    return run


def _nft(data: bytes) -> None:
    told(lambda collector: _written(read_nft_json(source(data), collector)))


def _policy(data: bytes) -> None:
    told(lambda collector: _written((inspect_source(source(data), collector).ruleset,)))


def _host() -> Host:
    return read_host(SourceFile("host", HOST))


def _packets(data: bytes) -> None:
    """As words, a step a line, and as JSON."""
    text = source(data)
    host = _host()
    simulator = Simulator([], host, start=0.0)

    def run(_: Collector) -> None:
        if text.text.lstrip()[:1] in ("[", "{"):
            steps = [draft.step(host) for draft in read_json_steps(text)]
        else:
            lines = text.text.split("\n")[:_MOST_STEPS]
            steps = [read_step(line, SourceFile("packet", line).span).step(host) for line in lines]
        for step in steps[:_MOST_STEPS]:
            try:
                simulator.do(step)
            except ValueError as error:
                raise Failure.of("POL062", str(error), step.span) from None

    told(run)


def _captures(data: bytes) -> None:
    is_capture(data)
    host = _host()
    simulator = Simulator([], host, start=0.0)

    def run(_: Collector) -> None:
        for number, step in enumerate(read_capture(data, "fuzzed", host, "eth0")):
            if number < _MOST_STEPS:
                try:
                    simulator.do(step)
                except ValueError as error:
                    raise Failure.of("POL062", str(error), step.span) from None

    told(run)


def _hosts(data: bytes) -> None:
    told(lambda _: read_host(source(data)))


@dataclass(frozen=True, slots=True)
class Reader:
    run: Callable[[bytes], None]
    what: str


READERS: dict[str, Reader] = {
    "iptables-save": Reader(_iptables(Kind.RESTORE), "files of iptables-save, of both families"),
    "script": Reader(_iptables(Kind.SCRIPT), "scripts of iptables and ipset commands"),
    "ipset": Reader(_iptables(Kind.IPSET), "files of ipset save"),
    "nft": Reader(_nft, "nft's JSON"),
    "policy": Reader(_policy, "policies, as YAML and JSON"),
    "packet": Reader(_packets, "packets in words and as JSON"),
    "host": Reader(_hosts, "hosts in words and as JSON"),
    "pcap": Reader(_captures, "captured packets"),
}
