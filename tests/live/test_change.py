"""From any ruleset to any other by the smallest change: the kernel then holds the other."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from firewall import ROADS

from polc.backends.features import Feature
from polc.backends.profile import OLDEST
from polc.compiler import ANY_APPROXIMATION, emit
from polc.diagnostics import Collector, Failure
from polc.ir.ruleset import Ruleset, TableFamily
from polc.kernel.capabilities import measure
from polc.kernel.devices import add_devices, devices_of
from polc.kernel.netns import ScratchNamespace
from polc.passes import pipeline
from polc.policy import read_policy

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.yaml"))


def rulesets(target: str) -> list[tuple[str, Ruleset, list[list[str]]]]:
    found = []
    for path in GOLDEN:
        ruleset = pipeline.run(read_policy(str(path), Collector()))
        try:
            output = emit(ruleset, target, allow=frozenset({ANY_APPROXIMATION}), profile=OLDEST)
        except Failure:
            continue
        found.append((path.stem, ruleset, [[file.name, file.text] for file in output.files]))
    return found


NEEDS = {"queue": Feature.QUEUE, "flowtable": Feature.FLOWTABLE}
"""What not every kernel has -> the golden that is about it."""


def lacking() -> set[str]:
    host = measure(frozenset({"nft"}))
    return {name for name, feature in NEEDS.items() if not host.has(feature)}


@pytest.mark.parametrize("road", [pytest.param(one, marks=pytest.mark.kernel(one, "ipset"), id=one) for one in ROADS])
def test_a_walk_through_all_goldens(road: str) -> None:
    some = rulesets("nft" if road == "nft" else "iptables")
    # Tables of iptables are of both families on the way, or one that is left would stay as it is.
    some = [one for one in some if road == "nft" or one[1].family is TableFamily.INET]
    walk = [*some, *random.Random(9).sample(some, len(some))]
    request = [
        {"name": name, "files": files, "filled": [one.name for one in ruleset.sets]} for name, ruleset, files in walk
    ]
    with ScratchNamespace() as namespace:
        add_devices(namespace, dict.fromkeys(name for _, ruleset, _ in some for name in devices_of(ruleset)))
        done = namespace.run(
            [sys.executable, str(Path(__file__).with_name("walk_through.py"))],
            input=json.dumps({"road": road, "rulesets": request, "lacking": sorted(lacking())}),
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert len(walk) > 60
