"""What random firewalls have found, each as small as it got: all judges agree on it now."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.fuzzing.case import Kind, Text
from polc.fuzzing.judge import Asked, judge
from polc.kernel.loaders import LOADERS

FOUND = sorted((Path(__file__).parent / "found").iterdir())
KINDS = {".yaml": Kind.POLICY, ".v4": Kind.SAVED, ".v6": Kind.SAVED6}


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_all_judges_agree(path: Path) -> None:
    judged = judge(Text(KINDS[path.suffix], path.read_text()), Asked(tuple(LOADERS), packets=60))
    assert not judged.findings, [str(one) for one in judged.findings]
    assert sum(judged.packets.values()) >= 20
    assert judged.points or path.stem == "no-rules"
