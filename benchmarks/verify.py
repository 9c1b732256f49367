"""How long ``polc verify`` takes for a gateway of N rules, and how many packets a second each loader does.

    python benchmarks/verify.py [--rules N] [--longest-wait SECONDS]

The whole is from the policy on the disk to the report: compiling, loading, reading back, making probes and hosts,
sending, the simulator's judgement. A loader's rate is that of its packets while rules are loaded and packets sent.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HEAD = """\
polc: 1
zones: {wan: eth0, lan: [eth1, eth2], dmz: eth3}
addresses:
  admins: [198.51.100.0/24, "2001:db8:10::/48"]
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept ssh from wan @admins state new
nat:
  - dnat tcp/8080 from wan to 203.0.113.1 -> 192.0.2.10:80
  - masquerade from lan 0.0.0.0/0 to wan
forward:
  default: drop
  rules:
    - use stateful
"""


def policy(rules: int) -> str:
    return HEAD + "".join(f"    - {one}\n" for one in _forward(rules - 7))


def _forward(count: int) -> Iterator[str]:
    """Of the kinds that gateways have, none of which takes all of another's packets."""
    for number in range(count):
        high, low = divmod(number, 200)
        match number % 5:
            case 0:
                yield f"accept tcp/{1000 + number} from lan to wan"
            case 1:
                yield f"accept udp/{5000 + number}-{5000 + number + 3} from wan to dmz 10.{high}.{low}.0/24"
            case 2:
                yield f"drop from wan 100.{64 + high}.{low}.0/24 to lan"
            case 3:
                yield f"accept tcp/443 from lan 172.16.{low}.{high + 1} to dmz 10.20.{high}.{low}"
            case _:
                yield f"reject tcp/{20000 + number} from dmz to lan not 192.168.{low}.0/24"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--longest-wait", default="0")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "gateway.yaml"
        path.write_text(policy(arguments.rules))
        command = [sys.executable, "-m", "polc", "verify", "--output-format", "json", str(path)]
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "--longest-wait", arguments.longest_wait], capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - begun
    if done.returncode not in (0, 1):
        sys.stderr.write(done.stderr)
        return 1
    probes = json.loads(done.stdout)["probes"]
    print(f"{probes['rules']} rules, {probes['packets']} packets, {probes['hosts']} hosts: {seconds:.1f} s")
    for one in probes["loaders"]:
        rate = one["packets"] / max(one["seconds"], 0.001)
        wrong = len(one["disagreements"])
        print(
            f"{one['loader']:16} {one['decided']} rules decided, {wrong} not as expected, {rate:.0f} packets a second"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
