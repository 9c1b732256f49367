"""The stage itself: load rules on it, put packets in, see what becomes of them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any

from polc.backends.model import Output
from polc.diagnostics import Failure
from polc.ir.addresses import format_address, is_link_local
from polc.ir.family import Family
from polc.ir.filling import Filling
from polc.ir.matches import AddressType, CtState
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import Ruleset
from polc.ir.statements import Tproxy
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace, ScratchNamespace, stop
from polc.kernel.remote import RemoteNftables
from polc.kernel.stage import scene
from polc.kernel.stage.ctnetlink import can_know, forget, known
from polc.kernel.stage.encode import encode, tag_of
from polc.kernel.stage.fate import Fate, fate, is_handshake
from polc.kernel.stage.listeners import proxies_of, queues_of, sockets_for
from polc.simulate.host import LOOPBACK, Host, Routing
from polc.simulate.packet import RST, Packet
from polc.simulate.replies import reply_to
from polc.simulate.settings import Settings
from polc.simulate.steps import Reply, Send, Step, Wait
from polc.simulate.talks import Talks
from polc.simulate.wire import NoDatagram, read_datagram

TABLES = ("polc-stage-trace", "polc-stage-input", "polc-stage-prerouting", "polc-stage-output", "polc-stage-own")
"""Tables that are the stage's own."""

_GROUP = 65534
_DELIVERED = "delivered"
_LAST = 2**31 - 1
_FIRST = -_LAST
_BEHIND_CONNTRACK = -199
_TO_ALL, _TO_GROUP = 1, 2
"""Packet types (uapi/linux/if_packet.h)."""

_BATCH = 64
_FIRST_TAG = 2
"""1 is what a quoted packet has."""

_STATES = {one.name.lower(): one for one in CtState if one.name}


class Stage:
    """A host with rules, for a ``with`` statement. Packets come one after the other.

    What is delivered is taken behind the input hook, after conntrack has confirmed its flow, and goes no further: the
    host's own sockets answer nothing. That takes a chain that stands there before conntrack does, since of two hooks
    of one priority the later one comes first (net/netfilter/core.c, nf_hook_entries_grow).

    What the kernel sends by itself comes to no rule: it tells of groups that its interfaces have joined, at any time
    within seconds (net/ipv6/mcast.c, mld_ifc_work; net/ipv4/igmp.c), and would use up limits of rules that ask nobody
    who sent a packet.

    Raises on entry:
        Failure: POL601, POL602, POL603, POL610: this machine has no stage to give.
    """

    def __init__(self, host: Host, settings: Settings | None = None) -> None:
        self.host = host
        self.settings = settings or Settings()
        self._stack = ExitStack()
        self._talks = Talks()
        self._routing = Routing(host)
        self._nft: RemoteNftables | None = None
        self._loaded: list[tuple[Loader, Output]] = []
        self._sent: set[tuple[object, ...]] = set()
        self._proxies: tuple[Tproxy, ...] = ()

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            self.namespace: Namespace = stack.enter_context(ScratchNamespace())
            scene.build(self.namespace, self.host, self.settings)
            self._worker = self.namespace.start([sys.executable, "-m", "polc.kernel.stage.worker"], stderr=None)
            stack.callback(stop, self._worker)
            begin = {
                "world": f"/run/netns/{scene.WORLD}",
                "interfaces": scene.macs(self.host),
                "far": scene.FAR_MAC,
                "group": _GROUP,
            }
            self._write(begin)
            take: dict[str, object] = {"type": "filter", "hook": "input", "prio": _LAST, "policy": "accept"}
            self._table("polc-stage-input", take, ([_log(_DELIVERED), {"drop": None}],))
            first: dict[str, object] = {"type": "filter", "hook": "output", "prio": _FIRST, "policy": "accept"}
            self._table("polc-stage-own", first, _REPORTS)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def load(self, loader: Loader, output: Output) -> None:
        """As ``Loader.load``."""
        self._loaded.append((loader, output))
        loader.load(self.namespace, output, self._libnftables() if loader.target == "nft" else None)

    def furnish(self, loader: Loader, rulesets: Sequence[Ruleset], fillings: Sequence[Filling]) -> None:
        """What stands beside rulesets that are loaded: elements in their sets (``Loader.fill``), a program on each of
        their queues, which drops what comes, and, for packets that are to find one, transparent sockets where they hand
        packets to one.

        Raises:
            Failure: POL603; POL610, the kernel has no queues for programs.
        """
        self._proxies = proxies_of(rulesets)
        queues = queues_of(rulesets)
        problem = self._ask({"listen": queues})["error"] if queues else ""
        if problem:
            raise Failure.of("POL610", f"nobody can listen on queues here (nfnetlink_queue): {problem}")
        if fillings:
            nft = self._libnftables() if loader.target == "nft" else None
            loader.fill(self.namespace, rulesets, fillings, nft)

    def _libnftables(self) -> RemoteNftables:
        if self._nft is None:
            self._nft = self._stack.enter_context(RemoteNftables(self.namespace))
        return self._nft

    def clear(self) -> None:
        """Take away all rules, sets and flows, as if nothing had been loaded and nothing sent.

        Tables of legacy iptables stay, empty: the kernel takes them away with the namespace, and hooks of nat among
        them give each flow a binding of its own. So nothing but that loader belongs on a stage after it.

        Raises:
            Failure: POL603.
        """
        if not self._loaded:
            return
        own = set(TABLES)
        nft = self._libnftables()
        tables = json.loads(nft.run_json(json.dumps({"nftables": [{"list": {"tables": None}}]})))["nftables"]
        gone = [one["table"] for one in tables if "table" in one and one["table"]["name"] not in own]
        if gone:
            names = [{"family": one["family"], "name": one["name"]} for one in gone]
            nft.run_json(json.dumps({"nftables": [{"delete": {"table": one}} for one in names]}))
        for loader, output in self._loaded:
            loader.unload(self.namespace, output)
        self._loaded.clear()
        self._sent.clear()
        self._talks = Talks()
        self._ask({"tell": [one.hex() for one in forget()]})

    def watch_states(self) -> None:
        """From now on fates have conntrack states, and conntrack is at work whether or not rules ask for it."""
        for hook in ("prerouting", "output"):
            chain: dict[str, object] = {"type": "filter", "hook": hook, "prio": _BEHIND_CONNTRACK, "policy": "accept"}
            rules = ([_ct_state(name), _log(name)] for name in _STATES)
            self._table(f"polc-stage-{hook}", chain, tuple(rules))

    def play(self, steps: Sequence[Step]) -> list[Fate | None]:
        """The fate of each step's packet, None for a wait.

        Raises:
            Failure: POL611.
            ValueError: a reply to nothing, or of a kind that nothing answers with.
        """
        found: list[Fate | None] = []
        last: Fate | None = None
        for step in steps:
            match step:
                case Wait(seconds):
                    time.sleep(seconds)
                    found.append(None)
                    continue
                case Send(packet):
                    last = self.put(packet)
                case Reply():
                    if last is None:
                        raise ValueError("there is no packet before it")
                    last = self.put(reply_to(last.sent, last.seen, step, described=True))
            found.append(last)
        return found

    def put(self, packet: Packet) -> Fate:
        """Put one packet in and see what becomes of it.

        Raises:
            Failure: POL611: no packet on a wire is like that.
        """
        _check(packet)
        sent = self._talks.numbered(packet)
        answer = self._ask(self._request(packet, sent, 1))
        logged = [(prefix, one) for prefix, data in answer["logged"] if (one := _read(data))]
        states = [(_STATES[prefix], one) for prefix, one in logged if prefix in _STATES]
        delivered = [one for prefix, one in logged if prefix == _DELIVERED]
        far = [replace(one, oif=name) for name, data in answer["far"] if (one := _read(data))]
        found = fate(sent, states, delivered, far, str(answer["error"]))
        if found.seen is not None:
            self._talks.seen_as(packet, found.seen)
        return found

    def put_all(self, packets: Sequence[Packet], pause: float = 0.0) -> list[Fate]:
        """As ``put``, one behind the other without looking in between what became of them, and with a ``pause`` of
        seconds before one whose ends another one has had; flows that are presumed of them are made before each is
        sent. Fates have no states.

        Raises:
            Failure: POL611: no packet on a wire is like one of them.
        """
        found: list[Fate] = []
        batch: list[tuple[Packet, Packet]] = []
        keys: set[tuple[object, ...]] = set()
        for packet in packets:
            _check(packet if not can_know(packet) else replace(packet, presumed=None))
            # What a reset is about shows in its ends alone.
            if len(batch) == _BATCH or (packet.protocol == TCP and _ends(packet) in keys):
                found += self._put_batch(batch)
                batch, keys = [], set()
            if pause and _ends(packet) in self._sent:
                found += self._put_batch(batch)
                batch, keys = [], set()
                time.sleep(pause)
            keys.add(_ends(packet))
            self._sent.add(_ends(packet))
            batch.append((packet, self._talks.numbered(packet)))
        return found + self._put_batch(batch)

    def _put_batch(self, batch: list[tuple[Packet, Packet]]) -> list[Fate]:
        if not batch:
            return []
        requests = [self._request(packet, sent, tag) for tag, (packet, sent) in enumerate(batch, _FIRST_TAG)]
        answer = self._ask({"batch": requests})
        tags = {_ends(sent): tag for tag, (_, sent) in enumerate(batch, _FIRST_TAG)}
        delivered: dict[int, list[Packet]] = {}
        far: dict[int, list[Packet]] = {}
        for prefix, data in answer["logged"]:
            tag, one = _tagged(data, tags)
            if one is not None and prefix == _DELIVERED:
                delivered.setdefault(tag, []).append(one)
        for name, data in answer["far"]:
            tag, one = _tagged(data, tags)
            if one is not None:
                far.setdefault(tag, []).append(replace(one, oif=name))
        fates = []
        for tag, (packet, sent) in enumerate(batch, _FIRST_TAG):
            error, at = str(answer["errors"][tag - _FIRST_TAG]), float(answer["times"][tag - _FIRST_TAG])
            became = fate(sent, [], delivered.get(tag, []), far.get(tag, []), error, own=True)
            became = replace(became, at=at, by=float(answer["settled"]))
            if became.seen is not None:
                self._talks.seen_as(packet, became.seen)
            fates.append(became)
        return fates

    def join(self, packets: Iterable[Packet]) -> None:
        """Have the host be in the multicast groups that packets come in for."""
        groups = {
            (one.iif, format_address(one.family, one.daddr))
            for one in packets
            if one.iif and self._routing.type_of(one.family, one.daddr) is AddressType.MULTICAST
        }
        self._ask({"join": sorted(groups)})

    def _request(self, packet: Packet, sent: Packet, tag: int) -> dict[str, object]:
        data = encode(sent, tag)
        return {
            "interface": packet.iif,
            # Zeros at the end need not be told: large packets are full of them.
            "data": data.rstrip(b"\0").hex(),
            "bytes": len(data),
            "mac": f"{packet.mac:012x}" if packet.mac is not None else "",
            "to": self._mac_to(packet),
            "vlan": packet.vlan,
            "destination": format_address(packet.family, packet.daddr),
            "device": self._device(packet),
            "mark": packet.mark,
            "priority": packet.priority,
            "uid": packet.uid or 0,
            "gid": packet.gid or 0,
            "sockets": sockets_for(packet, self._proxies) if packet.socket else [],
            "flow": [one.hex() for one in known(packet)] if can_know(packet) else [],
        }

    def _device(self, packet: Packet) -> str:
        """The interface that a packet of the host has to be sent by; empty where that is its way anyway: whoever binds
        to one gets no packet to another, NAT or not. Addresses of a link mean nothing without it.
        """
        if packet.iif:
            return ""
        if is_link_local(packet.daddr):
            return packet.oif if packet.oif != LOOPBACK else self._routing.owner(packet.family, packet.daddr)
        hop = self._routing.lookup(packet.family, packet.daddr)
        return "" if hop is not None and hop.interface == packet.oif else packet.oif

    def _mac_to(self, packet: Packet) -> str:
        """Of groups and broadcasts as RFC 1112, 6.4, and RFC 2464, 7, have it; empty: that of the interface."""
        if packet.mac_to is not None:
            return f"{packet.mac_to:012x}"
        kind = self._routing.type_of(packet.family, packet.daddr)
        if packet.pkttype == _TO_ALL or (packet.pkttype is None and kind is AddressType.BROADCAST):
            return "ff" * 6
        if packet.pkttype != _TO_GROUP and (packet.pkttype is not None or kind is not AddressType.MULTICAST):
            return ""
        if packet.family is Family.IP:
            return f"01005e{packet.daddr & 0x7FFFFF:06x}"
        return f"3333{packet.daddr & 0xFFFFFFFF:08x}"

    def _table(self, name: str, chain: dict[str, object], rules: tuple[list[object], ...]) -> None:
        table = {"family": "inet", "table": name}
        commands: list[object] = [
            {"add": {"table": {"family": "inet", "name": name}}},
            {"add": {"chain": {**table, "name": "c", **chain}}},
            *({"add": {"rule": {**table, "chain": "c", "expr": rule}}} for rule in rules),
        ]
        problem = self._ask({"nft": json.dumps({"nftables": commands})})["problem"]
        if problem:
            raise Failure.of(*problem)

    def _write(self, request: object) -> None:
        assert self._worker.stdin is not None
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()

    def _ask(self, request: object) -> dict[str, Any]:
        assert self._worker.stdout is not None
        try:
            self._write(request)
            line = self._worker.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure.of("POL610", "the process that puts packets in has ended; its words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _ends(packet: Packet) -> tuple[object, ...]:
    return packet.family, packet.protocol, packet.saddr, packet.sport, packet.dport


def _tagged(data: str, tags: Mapping[tuple[object, ...], int]) -> tuple[int, Packet | None]:
    """A datagram that was seen, and the tag of the packet that it is or that it answers."""
    one = _read(data)
    if one is None:
        return 0, None
    raw = bytes.fromhex(data)
    if one.is_icmp_error and one.quoted is not None:
        about = tag_of(raw[(raw[0] & 15) * 4 + 8 if one.family is Family.IP else 48 :])
        if about >= _FIRST_TAG:
            return about, one
    if one.protocol == TCP and (one.flags & RST or is_handshake(one)) and not tag_of(raw):
        return tags.get((one.family, one.protocol, one.daddr, one.dport, one.sport), 0), one
    return tag_of(raw), one


def _read(data: str) -> Packet | None:
    try:
        return read_datagram(bytes.fromhex(data))
    except NoDatagram:
        return None


def _log(prefix: str) -> object:
    return {"log": {"prefix": prefix, "group": _GROUP}}


def _has(protocol: str, field: str, value: int) -> object:
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": value}}


_REPORTS: tuple[list[object], ...] = (
    [_has("ip6", "nexthdr", 0), _has("ip6", "hoplimit", 1), _has("ip6", "flowlabel", 0), {"drop": None}],
    [_has("ip", "protocol", 2), _has("ip", "hdrlength", 6), _has("ip", "ttl", 1), {"drop": None}],
)
"""The kernel's own reports of groups, with the option of RFC 2711 and RFC 2113; packets of tests have no options, and
a flow label: their tag.
"""


def _ct_state(name: str) -> object:
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": name}}


def _check(packet: Packet) -> None:
    """Raises:
    Failure: POL611.
    """
    for there, what in (
        (packet.ipsec, "come out of IPsec"),
        (packet.socket and packet.protocol not in (TCP, UDP), "find a transparent socket"),
        (packet.os, "have the fingerprint of a system"),
        (packet.cgroup is not None, "belong to a control group"),
        (packet.presumed is not None, "have a conntrack state that nothing led to: write what came before as steps"),
        (packet.mark and packet.iif, "have a mark when it comes in"),
        (packet.priority and packet.iif, "have a class of tc when it comes in"),
    ):
        if there:
            raise Failure.of("POL611", f"a real packet cannot be made to {what}")
    if os.geteuid() != 0 and (packet.uid or packet.gid):
        raise Failure.of("POL611", "only root can send packets of other users")
