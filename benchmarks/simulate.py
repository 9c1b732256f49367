#!/usr/bin/env python3
"""CPU time of the simulator: a million packets against a policy of 100 rules, against the limit of a minute.

Usage: .venv/bin/python benchmarks/simulate.py [--packets 1000000] [--profile]
Exit status 1 when it is over the limit. A mix of packets, as a server sees them: replies of established flows, new
connections to services far down the list, ones that nothing accepts, IPv6 and UDP; the flows live all the while.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from polc.diagnostics import Collector
from polc.policy import read_policy
from polc.simulate import Host, Packet, Simulator, read_packet

LIMIT_S = 60
RULES = 100


def policy() -> str:
    """As people write them: replies first, then services by source, a few limits, and the rest is dropped."""
    lines = ["polc: 1", "zones: {wan: eth0, lan: eth1}", "addresses:"]
    lines += [f"  group{number}: [192.0.2.{number}/32, 198.51.{number}.0/24]" for number in range(10)]
    lines += ["input:", "  default: drop", "  rules:", "    - accept state established, related"]
    lines += ["    - drop state invalid", "    - accept from loopback"]
    for number in range(RULES - 5):
        kind = "udp" if number % 4 == 3 else "tcp"
        source = f"from @group{number % 10}" if number % 3 else "from wan"
        lines.append(f"    - accept {kind}/{1000 + number} {source} state new")
    lines += ["    - drop tcp/22 state new over 10/minute burst 10 per source", "    - accept tcp/22 state new"]
    return "\n".join(lines) + "\n"


def packets(host: Host, count: int) -> list[Packet]:
    draw = random.Random(1)
    kinds = []
    for number in range(400):
        port = draw.choice([22, *range(1000, 1000 + RULES - 5), 9999])
        kind = "udp" if (port - 1000) % 4 == 3 else "tcp"
        source = f"198.51.{draw.randrange(10)}.{draw.randrange(1, 255)}"
        if number % 5 == 4:
            kinds.append(read_packet(f"{kind} [2001:db8::{number:x}]:{5000 + number} -> host:{port} in eth0", host))
        else:
            kinds.append(read_packet(f"{kind} {source}:{5000 + number} -> host:{port} in eth0", host))
    return [draw.choice(kinds) for _ in range(count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "policy.yaml"
        path.write_text(policy())
        ruleset = read_policy(str(path), Collector())
    host = Host.assumed(["eth0", "eth1"])
    simulator = Simulator([ruleset], host)
    sent = packets(host, min(arguments.packets, 20_000))
    rounds = -(-arguments.packets // len(sent))
    fates: Counter[str] = Counter()

    def run() -> None:
        for _ in range(rounds):
            for packet in sent:
                fates[simulator.send(packet).fate.value] += 1
            simulator.wait(0.1)

    if arguments.profile:
        import cProfile

        cProfile.runctx("run()", {}, {"run": run}, sort="tottime")
        return 0
    begun = time.process_time()
    run()
    spent = time.process_time() - begun
    total = rounds * len(sent)
    a_million = spent * 1_000_000 / total
    print(f"{total} packets, {RULES} rules: {spent:.1f} s CPU, {1e6 * spent / total:.1f} us a packet; {dict(fates)}")
    print(f"a million: {a_million:.1f} s, limit {LIMIT_S} s{'  over the limit' if a_million > LIMIT_S else ''}")
    return 1 if a_million > LIMIT_S else 0


if __name__ == "__main__":
    raise SystemExit(main())
