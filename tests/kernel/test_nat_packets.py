"""Rules of `nat` at work: connections through a gateway, and who the server takes them to come from.

All hosts are on one link, so an answer finds its way back through the gateway only where that also changed the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from compiled import every_loader, load
from lab import Lab, both_families

from polc.kernel.loaders import Loader

PORT = 80
SECONDS = 0.6
HEAD = """\
polc: 1
addresses:
  server: [192.0.2.1, "2001:db8::1"]
  gateway: [192.0.2.3, "2001:db8::3"]
  client: [192.0.2.4, "2001:db8::4"]
input:
  default: drop
  rules: [use icmp-essentials, use stateful, accept tcp/80 where ct status dnat, reject with tcp-reset tcp]
forward:
  default: drop
  rules: [use stateful, accept tcp/80 to @server, accept tcp/80 where ct status dnat]
nat:
"""
MASQUERADE = "masquerade tcp/80 from @client"
DNAT = "dnat tcp/8080 to @gateway -> 192.0.2.1:80, [2001:db8::1]:80"
PREFIX = {"ip": "198.51.100.", "ip6": "2001:db8:1::"}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("server", "second", "gateway", "client", "other") as lab:
        for name in ("server", "second", "gateway"):
            lab.peer(name, "who_server.py", str(PORT), name)
        files = ("ipv4/ip_forward", "ipv6/conf/all/forwarding")
        writes = "".join(f"echo 1 > /proc/sys/net/{name}\n" for name in files)
        done = lab["gateway"].namespace.run(["sh", "-e"], input=writes)
        assert done.returncode == 0, done.stderr
        for name in ("client", "other"):
            for family, option in (("ip", "-4"), ("ip6", "-6")):
                length = 24 if family == "ip" else 64
                via = lab["gateway"].address(family)
                route = ["ip", option, "route", "add", f"{PREFIX[family]}{'0' if family == 'ip' else ''}/{length}"]
                done = lab[name].namespace.run([*route, "via", via])
                assert done.returncode == 0, done.stderr
        yield lab


def serve(lab: Lab, loader: Loader, folder: Path, *rules: str) -> None:
    load(loader, lab["gateway"].namespace, HEAD + "".join(f"  - {rule}\n" for rule in rules), folder)


class Client:
    """One family's view from a host."""

    def __init__(self, lab: Lab, host: str, family: str) -> None:
        self.peer = lab.peer(host, "who_client.py")
        self.gateway = lab["gateway"].address(family)

    def ask(self, address: str, port: int = PORT) -> list[str]:
        """The server's name, and the address and port that it sees; or the error's name."""
        return self.peer.ask("ask", address, port, SECONDS).split()

    def ask_gateway(self, port: int) -> list[str]:
        """As ``ask``, without the port that the server sees."""
        return self.ask(self.gateway, port)[:2]


NAT = every_loader("conntrack", "nat")


@NAT
def test_a_forwarded_port(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    serve(lab, loader, tmp_path, DNAT, MASQUERADE)

    def scenario(family: str) -> None:
        client, other = Client(lab, "client", family), Client(lab, "other", family)
        assert client.ask_gateway(8080) == ["server", client.gateway]
        # Another client's source is not changed: the server answers it past the gateway.
        assert other.ask_gateway(8080) == ["TimeoutError"]
        assert client.ask_gateway(8081) == ["ConnectionRefusedError"]
        assert client.ask(lab["server"].address(family))[:2] == ["server", lab["client"].address(family)]

    both_families(scenario)


@NAT
def test_none_exempts(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    serve(lab, loader, tmp_path, "dnat tcp/8080 from not @client -> none", DNAT, "masquerade")

    def scenario(family: str) -> None:
        client, other = Client(lab, "client", family), Client(lab, "other", family)
        assert client.ask_gateway(8080) == ["server", client.gateway]
        assert other.ask_gateway(8080) == ["ConnectionRefusedError"]

    both_families(scenario)


@NAT
def test_a_redirect_comes_to_the_gateway_itself(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    serve(lab, loader, tmp_path, "redirect tcp/81 -> :80")

    def scenario(family: str) -> None:
        client = Client(lab, "client", family)
        assert client.ask_gateway(81) == ["gateway", lab["client"].address(family)]
        assert client.ask_gateway(80) == ["ConnectionRefusedError"]

    both_families(scenario)


@NAT
def test_a_source_gets_an_address_and_a_port_of_the_range(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    target = "192.0.2.3:40000-40009, [2001:db8::3]:40000-40009"
    serve(lab, loader, tmp_path, DNAT, f"snat tcp/80 from @client -> {target}")

    def scenario(family: str) -> None:
        client = Client(lab, "client", family)
        for _ in range(3):
            name, address, port = client.ask(client.gateway, 8080)
            assert (name, address) == ("server", client.gateway)
            assert 40000 <= int(port) <= 40009

    both_families(scenario)


@NAT
def test_a_prefix_is_replaced_and_keeps_its_hosts(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    four, six = "netmap to 198.51.100.0/24 -> 192.0.2.0/24", "netmap to 2001:db8:1::/64 -> 2001:db8::/64"
    serve(lab, loader, tmp_path, four, six, MASQUERADE)

    def scenario(family: str) -> None:
        client = Client(lab, "client", family)
        assert client.ask(f"{PREFIX[family]}1")[:2] == ["server", client.gateway]
        assert client.ask(f"{PREFIX[family]}2")[:2] == ["second", client.gateway]

    both_families(scenario)


@NAT
def test_targets_take_turns_and_a_limit_counts_once(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    targets = "192.0.2.1:80, 192.0.2.2:80, [2001:db8::1]:80, [2001:db8::2]:80"
    rule = f"dnat tcp/8080 to @gateway limit 1/hour burst 4 -> {targets}"
    serve(lab, loader, tmp_path, rule, "masquerade")

    def scenario(family: str) -> None:
        client = Client(lab, "client", family)
        answers = [client.ask_gateway(8080) for _ in range(4)]
        assert sorted(name for name, _ in answers) == ["second", "second", "server", "server"]
        # What the limit keeps out goes on to the gateway itself, which refuses it.
        assert client.ask_gateway(8080) == ["ConnectionRefusedError"]

    both_families(scenario)
