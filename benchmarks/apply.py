#!/usr/bin/env python3
"""A rule is changed in a running firewall, again and again: what is kept, how long it takes, and what packets notice.

Usage, as root or where user namespaces are allowed: .venv/bin/python benchmarks/apply.py [--applies 200] [--rules 5000]
    [--elements 100000] [--dynamic 10000]

A router in a scratch namespace forwards numbered datagrams from a client to a server, a thousand a second, while `polc
apply` puts one rule in the place of another; every second time all rules below it are another line of the policy too.
Exit status 1: a datagram was lost, or a counter or an element of the dynamic set has gone. ^C ends it early.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from polc.kernel.netns import Namespace, ScratchNamespace, stop

RATE = 1000
PORT = 9999
SENDER = """\
import os, select, socket, sys, time
place, rate = sys.argv[1], int(sys.argv[2])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(("10.1.0.2", 5000))
one.connect((place, 9999))
number, start = 0, time.monotonic()
while not select.select([0], [], [], 0)[0]:
    one.send(b"%d" % number)
    number += 1
    wait = start + number / rate - time.monotonic()
    if wait > 0:
        time.sleep(wait)
print(number)
"""
RECEIVER = """\
import socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
one.bind(("10.2.0.2", 9999))
print("ready", flush=True)
seen = set()
while (data := one.recv(64)) != b"end":
    seen.add(int(data))
missing = sorted(set(range(max(seen) + 1)) - seen)
print(len(seen), missing[:20], flush=True)
"""


def policy(directory: Path, rules: int, turn: int) -> Path:
    """The ``turn``th policy. Rules count, so each has something to lose."""
    lines = ["polc: 1", "addresses:", "  blocklist: {file: blocklist.txt}"]
    lines += ["  seen: {dynamic: true, timeout: 10h, size: 65535}", "forward:", "  default: drop", "  rules:"]
    lines += ["    # one more line"] * (turn % 2)
    lines += ["    - drop from @blocklist", "    - drop from @seen", f"    - accept udp/{PORT} to 10.2.0.2 counter"]
    each = [
        f"    - accept tcp/{1024 + n % 60000} to 10.{3 + n // 60000}.{n // 250 % 250}.{n % 250} counter"
        for n in range(rules)
    ]
    each.insert(rules // 2, f"    - accept udp/{20000 + turn} to 10.2.0.3")
    path = directory / "policy.yaml"
    path.write_text("\n".join([*lines, *each]) + "\n")
    return path


def run(namespace: Namespace, *argv: str, input: str = "") -> str:
    done = namespace.run(argv, input=input, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr}")
    return done.stdout


def wire(router: Namespace) -> tuple[Namespace, Namespace]:
    """A client on 10.1.0.2 and a server on 10.2.0.2, with the router between them."""
    for number, name in ((1, "client"), (2, "server")):
        run(router, "ip", "netns", "add", name)
        run(router, "ip", "link", "add", f"to{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run(router, "ip", "address", "add", f"10.{number}.0.1/24", "dev", f"to{number}")
        run(router, "ip", "link", "set", f"to{number}", "up")
        run(router, "ip", "-n", name, "address", "add", f"10.{number}.0.2/24", "dev", "eth0")
        run(router, "ip", "-n", name, "link", "set", "eth0", "up")
        run(router, "ip", "-n", name, "route", "add", "default", "via", f"10.{number}.0.1")
    run(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    return router.nested("client"), router.nested("server")


def counted(router: Namespace) -> dict[int, int]:
    """What each rule has counted, by its handle."""
    listed = json.loads(run(router, "nft", "-j", "list", "chain", "inet", "polc", "forward"))["nftables"]
    return {
        rule["handle"]: part["counter"]["packets"]
        for rule in (one["rule"] for one in listed if "rule" in one)
        for part in rule["expr"]
        if "counter" in part
    }


def apply(router: Namespace, path: Path, state: Path) -> tuple[float, dict[str, object]]:
    start = time.monotonic()
    argv = [sys.executable, "-m", "polc", "apply", str(path), "--state-dir", str(state), "--output-format", "json"]
    found: dict[str, object] = json.loads(run(router, *argv))
    return time.monotonic() - start, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("applies", 200), ("rules", 5000), ("elements", 100_000), ("dynamic", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, ScratchNamespace() as router:
        directory = Path(place)
        addresses = (f"{11 + n // 60000}.{n // 250 % 240}.{n % 250}.{n % 7 * 8}/29" for n in range(asked.elements))
        (directory / "blocklist.txt").write_text("\n".join(addresses) + "\n")
        client, server = wire(router)
        first, _ = apply(router, policy(directory, asked.rules, 0), directory / "state")
        elements = ", ".join(f"172.{16 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(asked.dynamic))
        run(router, "nft", "-f", "-", input=f"add element inet polc seen-v4 {{ {elements} }}\n")
        receiver = server.start([sys.executable, "-c", RECEIVER], stderr=None)
        assert receiver.stdout is not None
        receiver.stdout.readline()
        sender = client.start([sys.executable, "-c", SENDER, "10.2.0.2", str(RATE)], stderr=None)
        time.sleep(0.5)
        before, times, parts = counted(router), [], []
        for turn in range(1, asked.applies + 1):
            try:
                took, told = apply(router, policy(directory, asked.rules, turn), directory / "state")
            except KeyboardInterrupt:
                break
            times.append(took)
            assert told["changed"] is True
            parts.append(len(told["parts"]))  # type: ignore[arg-type]
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{turn} of {asked.applies}")
        sent, _ = sender.communicate("\n")
        time.sleep(0.5)
        after = counted(router)
        client_end = f"import socket; socket.socket(2, 2).sendto(b'end', ('10.2.0.2', {PORT}))"
        run(router, "nft", "insert", "rule", "inet", "polc", "forward", "udp", "dport", str(PORT), "accept")
        run(client, sys.executable, "-c", client_end)
        received, _, missing = receiver.stdout.readline().strip().partition(" ")
        for one in (sender, receiver):
            stop(one)
        held = json.loads(run(router, "nft", "-j", "list", "set", "inet", "polc", "seen-v4"))["nftables"][1]["set"]
    kept = sum(handle in after and after[handle] >= count for handle, count in before.items())
    flow = max(after.values())
    print(
        f"{asked.applies} applies of one rule among {asked.rules}, {asked.elements} elements, {asked.dynamic} dynamic"
    )
    print(
        f"the first, with everything: {first:.2f} s; "
        f"then median {statistics.median(times):.2f} s, longest {max(times):.2f} s"
    )
    print(f"parts changed by one: {min(parts)} to {max(parts)}")
    print(f"rules that count: {kept} of {len(before)} kept with what they had counted")
    print(f"dynamic elements: {len(held.get('elem', ()))} of {asked.dynamic} kept")
    print(f"datagrams: {sent.strip()} sent, {received} received, missing {missing}; their rule has counted {flow}")
    fine = (
        kept == len(before)
        and len(held.get("elem", ())) == asked.dynamic
        and sent.strip() == received
        and flow == int(received)
    )
    return 0 if fine else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    sys.exit(main())
