"""Each file of the corpus treats packets the same in iptables-legacy, translated in nft, and in the simulator.

``POLC_CORPUS_PACKETS=200`` sends at least as many for each file instead of few; ``POLC_CORPUS_SEED`` chooses others.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from corpus import NEEDED, saved
from corpus_packets import judged

from polc.probing.wish import Wish

ALL = int(os.environ.get("POLC_CORPUS_PACKETS", "0"))
SEED = int(os.environ.get("POLC_CORPUS_SEED", "0"))
FEW = Wish(per_rule=3, packets=60, least=40, scenes=1, seed=SEED)
WISH = Wish(packets=max(ALL, 2000), least=ALL, seed=SEED) if ALL else FEW


@NEEDED
@pytest.mark.kernel("nft", "iptables-legacy", "conntrack", "nat", "recent", "hashlimit")
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_packets_go_the_same_way(path: Path) -> None:
    row = judged(path, WISH)
    assert row.packets >= (ALL or 20)
    assert row.met
    assert not row.different, "\n".join(row.different[:10])
