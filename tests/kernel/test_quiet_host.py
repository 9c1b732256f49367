"""A host on the stage sends nothing but what tests send."""

from __future__ import annotations

import time
from pathlib import Path

from compiled import every_loader

from polc.compiler import compile_policy
from polc.diagnostics import Collector
from polc.firewalls import firewall_of
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Verdict
from polc.kernel.stage.stage import Stage
from polc.simulate.packet_text import read_packet
from polc.source import SourceFile

ONE_PACKET = """polc: 1
settings: {host: "eth0 192.0.2.1/24 2001:db8::1/64"}
output:
  default: drop
  rules:
    - accept limit 1/day burst 1
"""
JOINING = "udp [2001:db8::9]:1000 -> [ff02::fb]:5353 in eth0", "udp 192.0.2.9:1000 -> 224.0.0.251:5353 in eth0"


@every_loader()
def test_reports_of_groups_use_up_no_limit(loader: Loader, tmp_path: Path) -> None:
    """An interface that is in groups of its own and of others tells of them within two seconds or so."""
    path = tmp_path / "policy.yaml"
    path.write_text(ONE_PACKET)
    host = firewall_of(SourceFile(str(path), ONE_PACKET), Collector()).host
    assert host is not None
    with Stage(host) as stage:
        stage.load(loader, compile_policy(str(path), loader.target))
        stage.join([read_packet(one, host) for one in JOINING])
        time.sleep(2.5)
        for words in ("udp [2001:db8::1]:53 -> [2001:db8::9]:9 out eth0", "udp 192.0.2.1:53 -> 192.0.2.9:9 out eth0"):
            fate = stage.put(read_packet(words, host))
            assert fate.verdict is Verdict.ACCEPT
            if loader.target == "nft":
                break
