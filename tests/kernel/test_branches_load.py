"""Rules that need chains of their own load on every loader, and read back as what was emitted."""

from __future__ import annotations

from pathlib import Path

from compiled import every_loader

from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace

POLICY = """\
polc: 1
input:
  default: reject
  rules:
    - reject with tcp-reset tcp/25 log "x" at 1/minute
    - synproxy mss 1460 wscale 7 tcp/80 log "x" at 1/minute
    - accept ftp helper ftp log "y" at 1/minute
    - accept tcp/1-100 limit 3/second per dport where meta mark 1 or meta mark 2
    - drop tcp connections over 3 per source where tcp flags syn or meta mark 2
    - counter tcp where ct original proto-src 5 or ct original proto-dst 7
    - drop over 3/second log "z" at 1/minute where ip ttl 5 or meta mark 2
    - counter where ip ttl 5 or ip6 hoplimit 5
    - drop hits 5 in 1m per source where meta mark 1 or ct mark 2
mangle:
  prerouting:
    - tproxy tcp/80 log "x" at 1/minute -> :80
    - mark set 1 where ip ttl 5 or ct mark 1
  forward:
    - mss clamp tcp log "x" at 1/minute
    - mss clamp tcp where meta mark 1 or ct mark 2
nat:
  - dnat tcp/80 log "x" at 1/minute -> 192.0.2.1:80
  - dnat tcp/81 limit 3/second -> 192.0.2.1:80, 192.0.2.2:80, [2001:db8::1]:80
  - snat udp -> 198.51.100.1, 198.51.100.2 where meta mark 1 or ct mark 2
"""


@every_loader("conntrack", "nat", "hashlimit", "recent", "ftp-helper")
def test_they_load_and_read_back(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    output = compile_policy(str(path), loader.target, allow=frozenset({ANY_APPROXIMATION}))
    loader.load(scratch, output)
    for emitted, listed in zip(output.files, loader.read_back(scratch, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()
