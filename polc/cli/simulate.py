"""``polc simulate``: what becomes of packets, and why."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from polc.diagnostics import Collector, Failure
from polc.diagnostics.text import render
from polc.firewalls import Firewall, read_firewall
from polc.simulate import (
    Draft,
    Fate,
    Host,
    Loaded,
    Outcome,
    Settings,
    Simulator,
    Step,
    Tracer,
    assumed_host,
    read_host,
    read_step,
)
from polc.source import SourceFile

_ORDER = "steps"


class _Add(argparse.Action):
    """Steps are done in the order in which their options stand."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        steps = getattr(namespace, _ORDER, None) or []
        setattr(namespace, _ORDER, [*steps, ((option or "").lstrip("-"), values or "")])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rulesets", metavar="FILE", nargs="+",
        help="a policy, a file of iptables-save, a script of iptables commands, or nft's JSON; several are several "
        "rulesets on one host",
    )  # fmt: skip
    steps = parser.add_argument_group("steps, which are done in the order given")
    steps.add_argument(
        "--packet", metavar="WORDS", action=_Add, help="such as 'tcp 198.51.100.9:4000 -> host:22 in eth0'"
    )
    steps.add_argument(
        "--packets", metavar="FILE", action=_Add,
        help="a step a line, in words or as JSON; a JSON list; or a capture of tcpdump; `-` is standard input",
    )  # fmt: skip
    steps.add_argument("--wait", metavar="TIME", action=_Add, help="let time go by, such as 100s or 5m")
    steps.add_argument(
        "--reply", metavar="WORDS", nargs="?", action=_Add,
        help="the answer to the packet before; WORDS such as 'flags rst' or 'icmp/3/3' say what else it is",
    )  # fmt: skip
    parser.add_argument(
        "--host", metavar="WORDS",
        help="the host, such as 'eth0 203.0.113.1/24, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0', or a file with that or "
        "with JSON. Else it is as `settings: {host: ...}` says; or else addresses are invented, and packets say by "
        "`in` and `out` where they go",
    )  # fmt: skip
    parser.add_argument("--interface", metavar="NAME", default="", help="where captured packets came in or went out")
    parser.add_argument("--at", metavar="TIME", help="the time of day to begin at, as 2026-01-31T08:00, UTC; else now")
    parser.add_argument(
        "--sysctl", metavar="NAME=VALUE", action="append", default=[],
        help="a setting of conntrack, such as nf_conntrack_tcp_loose=0",
    )  # fmt: skip
    parser.add_argument(
        "--trace", action="store_true", help="each rule that a packet came to, and why it did not match"
    )
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")


def run(arguments: argparse.Namespace) -> int:
    if not getattr(arguments, _ORDER, None):
        return _usage("say what to simulate: --packet, or --packets FILE")
    files = [value for option, value in getattr(arguments, _ORDER) if option == "packets"]
    if [*arguments.rulesets, *files].count("-") > 1:
        return _usage("standard input can be read once")
    collector = Collector()
    inputs = [read_firewall(path, collector) for path in arguments.rulesets]
    sys.stderr.write(render(collector))
    try:
        settings = _settings(arguments.sysctl)
        start = _start(arguments.at)
    except ValueError as error:
        return _usage(str(error))
    drafts = [one for step in getattr(arguments, _ORDER) for one in _drafts(*step)]
    host = _host(arguments.host) if arguments.host else _host_of(inputs, drafts)
    simulator = Simulator(_loaded(inputs), host, settings, start=start)
    outcomes = [one for one in _simulate(simulator, drafts, host, arguments) if one is not None]
    if arguments.output_format == "json":
        print(json.dumps([_as_json(*one, trace=arguments.trace) for one in outcomes], indent=2))
    return 1 if any(outcome.fate is Fate.UNKNOWN for outcome, _ in outcomes) else 0


def _simulate(
    simulator: Simulator, drafts: Sequence[Draft | _Capture], host: Host, arguments: argparse.Namespace
) -> Iterator[tuple[Outcome, Tracer | None] | None]:
    for draft in drafts:
        for step in _steps(draft, host, arguments.interface):
            tracer = simulator.tracer() if arguments.trace else None
            try:
                outcome = simulator.do(step, tracer)
            except ValueError as error:
                raise Failure.of("POL062", str(error), step.span) from None
            if outcome is None:
                continue
            if arguments.output_format == "text":
                from polc.simulate.report_text import report

                sys.stdout.write(report(outcome, tracer.events if tracer else ()))
            yield outcome, tracer


def _as_json(outcome: Outcome, tracer: Tracer | None, *, trace: bool) -> object:
    from polc.simulate.report_json import outcome_json

    return outcome_json(outcome, tracer.events if trace and tracer else None)


class _Capture:
    """A file of captured packets, by its path."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data


def _drafts(option: str, value: str) -> Iterator[Draft | _Capture]:
    match option:
        case "packet":
            yield read_step(value, SourceFile("--packet", value).span)
        case "wait":
            text = f"wait {value}"
            yield read_step(text, SourceFile("--wait", text).span)
        case "reply":
            text = f"reply {value}".strip()
            yield read_step(text, SourceFile("--reply", text).span)
        case _:
            yield from _file(value)


def _file(path: str) -> Iterator[Draft | _Capture]:
    from polc.simulate.pcap import is_capture

    data = _read(path)
    if is_capture(data):
        yield _Capture(path, data)
        return
    source = _text(path, data, "this is not UTF-8, and no capture")
    if source.text.lstrip()[:1] in ("[", "{"):
        from polc.simulate.json_steps import read_json_steps

        yield from read_json_steps(source)
        return
    for number, start in enumerate(source.line_starts, 1):
        line = source.line(number).partition(" #")[0]
        if line.strip() and not line.lstrip().startswith("#"):
            yield read_step(line, lambda first, last, start=start: source.span(start + first, start + last))  # type: ignore[misc]


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure.of("POL001", f"cannot read it: {(error.strerror or '').lower()}", path=path) from None


def _text(path: str, data: bytes, otherwise: str) -> SourceFile:
    try:
        return SourceFile(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Failure.of("POL002", otherwise, path=path) from None


def _steps(draft: Draft | _Capture, host: Host, interface: str) -> Iterator[Step]:
    if isinstance(draft, Draft):
        yield draft.step(host)
        return
    from polc.simulate.pcap import read_capture

    yield from read_capture(draft.data, draft.path, host, interface)


def _host(words: str) -> Host:
    from os.path import isfile

    if isfile(words):
        return read_host(_text(words, _read(words), "this is not UTF-8"))
    return read_host(SourceFile("--host", words))


def _loaded(inputs: Sequence[Firewall]) -> list[Loaded]:
    return [Loaded(ruleset, one.flavour) for one in inputs for ruleset in one.rulesets]


def _host_of(inputs: Sequence[Firewall], drafts: Sequence[Draft | _Capture]) -> Host:
    """The host of the first file that says what it is."""
    described = next((one.host for one in inputs if one.host is not None), None)
    names = (name for one in drafts if isinstance(one, Draft) for name in one.interfaces)
    return described or assumed_host([ruleset for one in inputs for ruleset in one.rulesets], names)


def _start(text: str | None) -> float:
    if text is None:
        return time.time()
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--at {text}: this is no time such as 2026-01-31T08:00") from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _settings(given: list[str]) -> Settings:
    from polc.simulate.sysctls import settings_of

    return settings_of(given)


def _usage(message: str) -> int:
    sys.stderr.write(f"polc simulate: {message}\n")
    return 2
