"""A simulator that has forgotten is as one that is new, whatever rules remember."""

from __future__ import annotations

from pathlib import Path

import pytest
from packet_text import GATEWAY
from play import Play

from polc.diagnostics import Collector
from polc.firewalls import read_firewalls
from polc.passes import pipeline
from polc.simulate import Flavour

SAVED = """\
*filter
:INPUT DROP [0:0]
-A INPUT -p udp --dport 1 -m quota --quota 100 -j ACCEPT
-A INPUT -p udp --dport 2 -m statistic --mode nth --every 3 --packet 1 -j ACCEPT
-A INPUT -p udp --dport 3 -m recent --name seen --rcheck --rsource -j DROP
-A INPUT -p udp --dport 3 -m recent --name seen --set --rsource -j ACCEPT
-A INPUT -p udp --dport 4 -m limit --limit 1/hour --limit-burst 2 -j ACCEPT
-A INPUT -p tcp --dport 5 --syn -m connlimit --connlimit-upto 1 -j ACCEPT
-A INPUT -p udp --dport 6 -m set --match-set guests src -j ACCEPT
-A INPUT -p udp --dport 7 -m set --match-set met src -j DROP
-A INPUT -p udp --dport 7 -j SET --add-set met src
-A INPUT -p udp --dport 7 -j ACCEPT
COMMIT
"""
SETS = """\
create guests hash:ip family inet hashsize 1024 maxelem 65536 timeout 3600
add guests 198.51.100.9
create met hash:ip family inet hashsize 1024 maxelem 65536
"""
PACKETS = [
    f"{'tcp' if port == 5 else 'udp'} 198.51.100.9:{4000 + turn} -> host:{port} in eth0"
    for port in range(1, 8)
    for turn in range(5)
]


@pytest.mark.parametrize("flavour", Flavour)
def test_forgotten_is_new(flavour: Flavour, tmp_path: Path) -> None:
    files = [tmp_path / "ipset.save", tmp_path / "rules.v4"]
    for path, text in zip(files, (SETS, SAVED), strict=True):
        path.write_text(text)
    (ruleset,) = read_firewalls([str(one) for one in files], "polc", Collector())
    play = Play(pipeline.run(ruleset), GATEWAY, flavour=flavour)

    def fates() -> list[str]:
        return [play.send(words).fate.value for words in PACKETS]

    first, again = fates(), fates()
    # Of each kind of memory some are taken, and others not once it is used up.
    assert [first.count(one) for one in ("accept", "drop")] == [15, 20]
    assert again != first
    play.simulator.forget()
    assert fates() == first
