"""Every verdict, clause and field loads at each place where a policy may have it: what one kernel takes, all take."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import every_loader
from place_table import PLACES, RULES, written

from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.diagnostics import Failure
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace

NO_WORDS: dict[str, tuple[str, ...]] = {
    "count web": PLACES,
    "accept where fragment": PLACES,
    # A helper is attached in the table raw, by hooks that a packet passes before this one.
    "helper ftp tcp/21": ("mangle.postrouting",),
    # The devgroup match takes no group of the incoming interface there.
    "accept where meta iifgroup 1": ("mangle.postrouting",),
}
"""Rules that iptables cannot say, and where."""


NOT_NFT: dict[str, tuple[str, ...]] = {
    # nft attaches a helper to a flow, which is not there yet.
    "helper ftp tcp/21": ("raw.prerouting", "raw.output"),
}
"""Rules that nft cannot say, and where."""


def rules_of(place: str, target: str) -> list[str]:
    refused = NO_WORDS if target == "iptables" else NOT_NFT
    return [rule for rule, places in RULES.items() if place in places and place not in refused.get(rule, ())]


@every_loader("conntrack", "nat", "hashlimit", "recent", "ftp-helper")
@pytest.mark.parametrize("place", [*PLACES, "nat"])
def test_rules_load_where_they_may_stand(place: str, loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(written(place, *rules_of(place, loader.target)))
    output = compile_policy(str(path), loader.target, allow=frozenset({ANY_APPROXIMATION}))
    loader.load(scratch, output)
    for emitted, listed in zip(output.files, loader.read_back(scratch, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()


@pytest.mark.parametrize(("rule", "place"), [(rule, place) for rule in NO_WORDS for place in NO_WORDS[rule]])
def test_what_iptables_cannot_say_is_refused(rule: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(written(place, rule))
    with pytest.raises(Failure) as refused:
        compile_policy(str(path), "iptables", allow=frozenset({ANY_APPROXIMATION}))
    assert {one.code for one in refused.value.diagnostics} == {"POL402"}
