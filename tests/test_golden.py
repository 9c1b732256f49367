"""Every construct of the language, compiled to both targets: outputs that are kept, loaded and tried with packets.

``golden/NAME.yaml`` says what it is about, and has tests (see ``packet_text.py``) that real packets pass on every
loader. Beside it stand its outputs, ``NAME.nft``, ``NAME.rules.v4``, ``NAME.rules.v6`` and, with dynamic groups,
``NAME.sets.ipset``, or, in ``NAME.TARGET.refused``, why a target cannot hold it. ``POLC_UPDATE_GOLDEN=1`` writes them
anew.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from needed import OF_NFT
from packet_text import GATEWAY, fate_of, parse_test, simulated

from polc.backends.model import Output
from polc.backends.registry import BACKENDS
from polc.compiler import ANY_APPROXIMATION, compile_policy, read
from polc.diagnostics import Collector, Failure, Severity
from polc.diagnostics.text import render
from polc.kernel import meaning
from polc.kernel.devices import add_devices
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace, ScratchNamespace
from polc.policy import read_policy
from polc.policy.parser import Tree, parse
from polc.resources import read_resource
from polc.simulate import Simulator
from tests.conftest import lacks

sys.path.append(str(Path(__file__).parent / "kernel"))
from gateway import ask, gateway

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
KEPT = {"nft": {"ruleset.nft": "nft"}, "iptables": {name: name for name in ("rules.v4", "rules.v6", "sets.ipset")}}
"""Target -> its files, and what they are called here."""
FORMATS = {"nft": "text", "iptables": "restore"}


@cache
def compiled(name: str, target: str, format: str | None = None) -> Output | str:
    """The output, or the words of the refusal. Approximations are agreed to: their outputs are to be seen."""
    directory = Path.cwd()
    os.chdir(GOLDEN.parent)
    try:
        return compile_policy(f"golden/{name}.yaml", target, format, allow=frozenset({ANY_APPROXIMATION}))
    except Failure as failure:
        return render(one for one in failure.diagnostics if one.severity is Severity.ERROR)
    finally:
        os.chdir(directory)


def wanted(name: str, target: str) -> dict[Path, str]:
    """The files that should stand beside the policy."""
    output = compiled(name, target, FORMATS[target])
    if isinstance(output, str):
        return {GOLDEN / f"{name}.{target}.refused": output}
    return {GOLDEN / f"{name}.{KEPT[target].get(file.name, 'nft')}": file.text for file in output.files}


@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_that_are_kept(name: str, target: str) -> None:
    files = wanted(name, target)
    if os.environ.get("POLC_UPDATE_GOLDEN") == "1":
        for path, text in files.items():
            path.write_text(text)
    kept = {path: path.read_text() for path in files if path.exists()}
    assert kept == files


@pytest.mark.parametrize("name", NAMES)
def test_it_is_held_by_a_target(name: str) -> None:
    assert any(isinstance(compiled(name, target, FORMATS[target]), Output) for target in BACKENDS)


def test_nothing_else_is_kept() -> None:
    files = {path for name in NAMES for target in BACKENDS for path in wanted(name, target)}
    stray = {path for path in GOLDEN.iterdir() if path.is_file() and path.suffix != ".yaml"} - files
    if os.environ.get("POLC_UPDATE_GOLDEN") == "1":
        for path in stray:
            path.unlink()
        return
    assert not stray


def lines_of(name: str) -> list[str]:
    _, found, lines = (GOLDEN / f"{name}.yaml").read_text().partition("\ntests:\n")
    return [line.removeprefix("  - ") for line in lines.splitlines()] if found else []


def features(name: str, loader: Loader) -> tuple[str, ...]:
    if loader.target == "nft":
        return ()
    return ("ipset",) if (GOLDEN / f"{name}.sets.ipset").exists() else ()


ON_LOADERS = [
    pytest.param(
        name, loader, id=f"{name}-{loader.name}", marks=pytest.mark.kernel(loader.name, *features(name, loader))
    )
    for name in NAMES
    for loader in LOADERS
    if not (GOLDEN / f"{name}.{loader.target}.refused").exists()
    if isinstance(compiled(name, loader.target), Output)
]
AS_TEXT = [
    pytest.param(name, marks=pytest.mark.kernel("nft"))
    for name in NAMES
    if isinstance(compiled(name, "nft", "text"), Output) and not isinstance(compiled(name, "nft"), Output)
]
"""What the JSON of nft has no words for, or has not for the oldest nft."""


@pytest.mark.parametrize(("name", "loader"), ON_LOADERS)
def test_the_kernel_does_what_the_policy_says(name: str, loader: Loader) -> None:
    output = compiled(name, loader.target)
    assert isinstance(output, Output)
    with gateway() as namespace:
        if loader.target == "nft" and name in OF_NFT and lacks(OF_NFT[name]):
            # Not skipped: whoever has such a kernel is told what it lacks.
            with pytest.raises(Failure, match="this host has no"):
                loader.load(namespace, output)
            return
        loader.load(namespace, output)
        for emitted, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
            assert loader.differences(emitted.text, listed.text) == ()
        assert meaning.differences(loader.target, output.files, loader.read_back(namespace, output)) == ()
        assert not wrong_fates(namespace, name)


@pytest.mark.parametrize("name", AS_TEXT)
def test_the_kernel_does_what_text_alone_says(name: str) -> None:
    output = compiled(name, "nft", "text")
    assert isinstance(output, Output)
    with gateway() as namespace:
        done = namespace.run(["nft", "-f", "-"], input=output.files[0].text)
        if name in OF_NFT and lacks(OF_NFT[name]):
            assert done.returncode != 0
            return
        assert done.returncode == 0, done.stderr
        assert not wrong_fates(namespace, name)


def wrong_fates(namespace: Namespace, name: str) -> str:
    """The tests of a policy that packets do not pass, with what became of them."""
    lines = lines_of(name)
    cases = [parse_test(line) for line in lines]
    fates = ask(namespace, [packet for _, packet in cases])
    return "\n".join(
        f"{line}: {fate.verdict}, {', '.join(fate.ends)}"
        for line, (verdict, packet), fate in zip(lines, cases, fates, strict=True)
        if fate.verdict != verdict or (packet.becomes and packet.becomes not in fate.ends)
    )


SUNDAY = 1_714_867_200
"""5 May 2024, 00:00 UTC, for policies that ask for the day."""


@pytest.mark.parametrize("name", NAMES)
def test_the_simulator_does_what_the_policy_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN.parent)
    path = f"golden/{name}.yaml"
    for ruleset in (read_policy(path, Collector()), read(path)):
        simulator = Simulator([ruleset], GATEWAY, start=SUNDAY + 12 * 3600)
        wrong = []
        for number, line in enumerate(lines_of(name)):
            wanted, packet = parse_test(line)
            verdict, ends = fate_of(simulator.send(simulated(packet, number)))
            # Only the kernel knows the words of a target, and who listens on a queue.
            wanted = "unknown" if name in ("native", "native-words", "queue") else wanted
            if verdict != wanted or (packet.becomes and packet.becomes != ends):
                wrong.append(f"{line}: {verdict}, {ends}")
        assert not wrong, "\n".join(wrong)


def test_packets_of_each_policy_are_tried() -> None:
    for name in NAMES:
        verdicts = {parse_test(line)[0] for line in lines_of(name)}
        assert "accept" in verdicts, name


def rule_names(tree: Tree) -> Iterator[str]:
    yield tree.name
    for child in tree.children:
        if isinstance(child, Tree):
            yield from rule_names(child)


def test_every_rule_of_the_grammar_is_in_one_of_them() -> None:
    grammar = read_resource("grammar", "rule.lark")
    names = set(re.findall(r"^([a-z][a-z_]*):", grammar, re.MULTILINE)) - {"definition", "expression", "outcome"}
    found: set[str] = set()
    for name in NAMES:
        policy = re.split(r"\n(?:assert|tests):\n", (GOLDEN / f"{name}.yaml").read_text())[0]
        for text in re.findall(r"""^ +- (?:'([^']*)'|([^{'"\n][^\n]*[^:\n]))$""", policy, re.MULTILINE):
            found |= set(rule_names(parse(text[0] or text[1], "rule")))
    assert names - found == set()


def property_names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for name, value in schema.items():
            # Tests are written as text here; tests/policy/test_schema.py has the others.
            if name != "test":
                yield from property_names(value)
    elif isinstance(schema, list):
        for one in schema:
            yield from property_names(one)


def test_every_key_of_the_schema_is_in_one_of_them() -> None:
    names = set(property_names(json.loads(read_resource("schemas", "policy.schema.json"))))
    policies = [*GOLDEN.glob("*.yaml"), *GOLDEN.glob("parts/*.yaml")]
    found = {name for path in policies for name in re.findall(r"([\w-]+):", path.read_text())}
    assert names - found == set()


@pytest.mark.kernel("nft")
def test_text_and_json_load_to_the_same(tmp_path: Path) -> None:
    names = [name for name in NAMES if name not in OF_NFT and isinstance(compiled(name, "nft"), Output)]
    script = []
    for name in names:
        for kind, option in (("json", "-j "), ("text", "")):
            output = compiled(name, "nft", kind)
            assert isinstance(output, Output)
            file = tmp_path / f"{name}.{kind}"
            file.write_text(output.files[0].text)
            script.append(f"nft {option}-f {file}; nft list ruleset > {file}.list; nft flush ruleset")
    with ScratchNamespace() as namespace:
        add_devices(namespace, ("eth0", "eth1"))
        done = namespace.run(["sh", "-e"], input="\n".join(script))
    assert done.returncode == 0, done.stderr
    for name in names:
        assert (tmp_path / f"{name}.json.list").read_text() == (tmp_path / f"{name}.text.list").read_text(), name
