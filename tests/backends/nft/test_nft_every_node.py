"""Every kind of node loads on nft, from JSON and from text alike, and reads back as what was emitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from nft_help import Written, load_written
from node_samples import SAMPLES

from polc.backends.features import Feature
from polc.backends.model import Fidelity, Options, Output
from polc.backends.nft.backend import NftBackend
from polc.backends.nft.compare import differences
from polc.backends.profile import OLDEST, Profile
from polc.kernel.capabilities import measure
from polc.kernel.netns import Namespace

NOWHERE = {"decrease hops", "duplicate", "duplicate by a device", "increase hops", "target of iptables"}
NOWHERE |= {"with the TTL of the list", "words of iptables"}
"""What nft of no version has a form for."""

BY_HOST = {
    "offload": Feature.FLOWTABLE,
    "queue": Feature.QUEUE,
    "queues": Feature.QUEUE,
    "leaving a device": Feature.NETDEV_EGRESS,
    "strip options": Feature.TCP_OPTION_RESET,
    "timeout": Feature.CT_TIMEOUT_JSON,
    "timeout of IPv4": Feature.CT_TIMEOUT_JSON,
}
"""What kernels are often built without, or old versions do not know."""


def _emit(name: str, format: str, profile: Profile) -> Output:
    return NftBackend().emit(SAMPLES[name].ruleset(), Options(format, profile))


def _has(output: Output) -> bool:
    return all(one.fidelity is not Fidelity.REFUSED for one in output.deviations)


@pytest.mark.kernel("nft", "conntrack", "ftp-helper")
@pytest.mark.parametrize("oldest", [True, False], ids=["oldest", "host"])
def test_every_node_reads_back(oldest: bool, scratch: Namespace, tmp_path: Path) -> None:
    """As it is written for the oldest nft, which newer ones must understand, and as it is for this host."""
    host = measure(frozenset({"nft"}))
    profile = OLDEST if oldest else host
    written: list[Written] = []
    for name, sample in SAMPLES.items():
        if name in BY_HOST and not host.has(BY_HOST[name]):
            continue
        outputs = {kind: _emit(name, kind, profile) for kind in ("json", "text")}
        forms = {kind: one.files[0].text for kind, one in outputs.items() if _has(one)}
        assert forms or name in NOWHERE or oldest, name
        if forms:
            written.append(Written(name, sample.place.family.value, forms))
    assert len(written) > len(SAMPLES) - len(NOWHERE) - len(BY_HOST) - 1
    for one, loaded in zip(written, load_written(scratch, tmp_path, written), strict=True):
        if "json" in one.forms:
            assert differences(one.forms["json"], loaded.listed_json) == (), one.name
        if len(one.forms) == 2:
            assert loaded.by_text == loaded.by_json, one.name
