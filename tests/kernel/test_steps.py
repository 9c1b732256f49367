"""Rulesets that an ordinary user may not send to the kernel at once; and what a kernel was built without."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from node_samples import SAMPLES

from polc.backends.features import Feature
from polc.backends.model import Options, Output, OutputFile
from polc.backends.nft.backend import NftBackend
from polc.backends.profile import Profile
from polc.diagnostics import Failure
from polc.kernel.capabilities import measure
from polc.kernel.loaders import NftLoader
from polc.kernel.netns import ScratchNamespace
from polc.kernel.steps import run_in_steps

SET = {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr"}
COMMANDS = [
    {"add": {"table": {"family": "inet", "name": "t"}}},
    {"add": {"set": {**SET, "elem": [f"192.0.2.{number}" for number in range(100)]}}},
    *({"add": {"chain": {"family": "inet", "table": "t", "name": f"c{number}"}}} for number in range(20)),
]


class Narrow:
    """Takes texts of at most ``most`` bytes."""

    def __init__(self, most: int, words: str = "Message too long") -> None:
        self.most, self.words = most, words
        self.taken: list[str] = []

    def run_json(self, text: str) -> str:
        if len(text) > self.most:
            raise Failure.of("POL603", f"libnftables refused the ruleset: Could not process rule: {self.words}")
        self.taken += (json.dumps(one) for one in json.loads(text)["nftables"])
        return ""


@pytest.mark.parametrize("most", [100_000, 1500, 400])
def test_steps_are_all_of_it_in_its_order(most: int) -> None:
    nft = Narrow(most)
    run_in_steps(nft, json.dumps({"nftables": COMMANDS}))
    taken = [json.loads(one)["add"] for one in nft.taken]
    elements = [address for one in taken for kind in ("set", "element") if kind in one for address in one[kind]["elem"]]
    assert elements == COMMANDS[1]["add"]["set"]["elem"]
    assert [one["chain"]["name"] for one in taken if "chain" in one] == [f"c{number}" for number in range(20)]
    assert [next(iter(one)) for one in taken][:2] == ["table", "set"]
    assert all("type" not in one["element"] for one in taken if "element" in one)


def test_what_is_refused_for_another_reason_is_refused() -> None:
    for nft in (Narrow(400, "No such file or directory"), Narrow(10)):
        with pytest.raises(Failure):
            run_in_steps(nft, json.dumps({"nftables": COMMANDS}))


_VERIFY = """
import sys
from dataclasses import replace
from pathlib import Path
from polc.backends.model import Output, OutputFile
from polc.kernel.loaders import NftLoader
from polc.kernel.netns import ScratchNamespace
text = Path(sys.argv[1]).read_text()
output, loader = Output((OutputFile("ruleset.nft.json", text),)), NftLoader()
with ScratchNamespace() as namespace:
    loader.load(namespace, output)
    (seen,) = loader.read_back(namespace, output)
print(loader.differences(text, seen.text), seen.text.count('"10.'))
"""


@pytest.mark.kernel("nft", "unprivileged")
def test_a_large_group_of_an_ordinary_user(unprivileged: tuple[str, ...], tmp_path: Path) -> None:
    count = 100_000
    elements = [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(count)]
    place = {"family": "inet", "table": "t"}
    commands = [
        {"add": {"table": {"family": "inet", "name": "t"}}},
        {"add": {"set": {**place, "name": "s", "type": "ipv4_addr", "elem": elements}}},
        {"add": {"chain": {**place, "name": "c"}}},
    ]
    # Up to, not including, the directory that is everybody's.
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(0o755)
    path = tmp_path / "ruleset.json"
    path.write_text(json.dumps({"nftables": commands}))
    path.chmod(0o644)
    done = subprocess.run(
        [*unprivileged, sys.executable, "-c", _VERIFY, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"() {count}\n"


@pytest.mark.kernel("nft", "conntrack")
@pytest.mark.parametrize(
    ("name", "feature", "words"),
    [
        ("offload", Feature.FLOWTABLE, "this host has no flowtables"),
        ("queue", Feature.QUEUE, "this host has no queues"),
    ],
)
def test_what_the_kernel_lacks_has_a_name(name: str, feature: Feature, words: str) -> None:
    """The kernel says that a file or directory is not there."""
    host = measure(frozenset({"nft"}))
    output = NftBackend().emit(SAMPLES[name].ruleset(), Options("json", measured_with(feature)))
    with ScratchNamespace() as namespace:
        if host.has(feature):
            NftLoader().load(namespace, output)
        else:
            with pytest.raises(Failure) as failure:
                NftLoader().load(namespace, output)
            assert failure.value.diagnostics[0].message.startswith(words)


def measured_with(feature: Feature) -> Profile:
    host = measure(frozenset({"nft"}))
    return replace(host, present=host.present | {feature, Feature.FLOWTABLE_JSON}, absent=host.absent - {feature})


@pytest.mark.kernel("nft")
def test_another_refusal_keeps_its_words() -> None:
    bad = '{"nftables":[{"add":{"chain":{"family":"inet","table":"x","name":"c"}}}]}'
    with ScratchNamespace() as namespace, pytest.raises(Failure, match="refused the ruleset: "):
        NftLoader().load(namespace, Output((OutputFile("ruleset.nft.json", bad),)))
