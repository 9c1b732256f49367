"""The stage itself: load rules on it, put packets in, see what becomes of them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from polc.backends.model import Output
from polc.diagnostics import Failure
from polc.ir.addresses import format_address
from polc.ir.matches import CtState
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace, ScratchNamespace, stop
from polc.kernel.remote import RemoteNftables
from polc.kernel.stage import scene
from polc.kernel.stage.encode import encode
from polc.kernel.stage.fate import Fate, fate
from polc.simulate.host import Host
from polc.simulate.packet import Packet
from polc.simulate.replies import reply_to
from polc.simulate.settings import Settings
from polc.simulate.steps import Reply, Send, Step, Wait
from polc.simulate.talks import Talks
from polc.simulate.wire import NoDatagram, read_datagram

_GROUP = 65534
_DELIVERED = "delivered"
_LAST = 2**31 - 1
_BEHIND_CONNTRACK = -199
_STATES = {one.name.lower(): one for one in CtState if one.name}


class Stage:
    """A host with rules, for a ``with`` statement. Packets come one after the other.

    What is delivered is taken behind the input hook, after conntrack has confirmed its flow, and goes no further: the
    host's own sockets answer nothing. That takes a chain that stands there before conntrack does, since of two hooks
    of one priority the later one comes first (net/netfilter/core.c, nf_hook_entries_grow).

    Raises on entry:
        Failure: POL601, POL602, POL603, POL610: this machine has no stage to give.
    """

    def __init__(self, host: Host, settings: Settings | None = None) -> None:
        self.host = host
        self.settings = settings or Settings()
        self._stack = ExitStack()
        self._talks = Talks()

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            self.namespace: Namespace = stack.enter_context(ScratchNamespace())
            scene.build(self.namespace, self.host, self.settings)
            take: dict[str, object] = {"type": "filter", "hook": "input", "prio": _LAST, "policy": "accept"}
            self._table("polc-stage-input", take, ([_log(_DELIVERED), {"drop": None}],))
            self._worker = self.namespace.start([sys.executable, "-m", "polc.kernel.stage.worker"], stderr=None)
            stack.callback(stop, self._worker)
            begin = {
                "world": f"/run/netns/{scene.WORLD}",
                "interfaces": scene.macs(self.host),
                "far": scene.FAR_MAC,
                "group": _GROUP,
            }
            self._write(begin)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def load(self, loader: Loader, output: Output) -> None:
        """As ``Loader.load``."""
        loader.load(self.namespace, output)

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
        answer = self._ask(
            {
                "interface": packet.iif,
                "data": encode(sent).hex(),
                "mac": f"{packet.mac:012x}" if packet.mac is not None else "",
                "broadcast": packet.pkttype in (1, 2),
                "destination": format_address(packet.family, packet.daddr),
                "device": packet.oif if not packet.iif else "",
                "mark": packet.mark,
                "uid": packet.uid or 0,
                "gid": packet.gid or 0,
            }
        )
        logged = [(prefix, one) for prefix, data in answer["logged"] if (one := _read(data))]
        states = [(_STATES[prefix], one) for prefix, one in logged if prefix in _STATES]
        delivered = [one for prefix, one in logged if prefix == _DELIVERED]
        far = [replace(one, oif=name) for name, data in answer["far"] if (one := _read(data))]
        found = fate(sent, states, delivered, far, str(answer["error"]))
        if found.seen is not None:
            self._talks.seen_as(packet, found.seen)
        return found

    def _table(self, name: str, chain: dict[str, object], rules: tuple[list[object], ...]) -> None:
        table = {"family": "inet", "table": name}
        commands: list[object] = [
            {"add": {"table": {"family": "inet", "name": name}}},
            {"add": {"chain": {**table, "name": "c", **chain}}},
            *({"add": {"rule": {**table, "chain": "c", "expr": rule}}} for rule in rules),
        ]
        with RemoteNftables(self.namespace) as nft:
            nft.run_json(json.dumps({"nftables": commands}))

    def _write(self, request: object) -> None:
        assert self._worker.stdin is not None
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()

    def _ask(self, request: object) -> dict[str, list[tuple[str, str]]]:
        assert self._worker.stdout is not None
        try:
            self._write(request)
            line = self._worker.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure.of("POL610", "the process that puts packets in has ended; its words are above")
        answer: dict[str, list[tuple[str, str]]] = json.loads(line)
        return answer


def _read(data: str) -> Packet | None:
    try:
        return read_datagram(bytes.fromhex(data))
    except NoDatagram:
        return None


def _log(prefix: str) -> object:
    return {"log": {"prefix": prefix, "group": _GROUP}}


def _ct_state(name: str) -> object:
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": name}}


def _check(packet: Packet) -> None:
    """Raises:
    Failure: POL611.
    """
    for there, what in (
        (packet.ipsec, "come out of IPsec"),
        (packet.socket, "find a transparent socket"),
        (packet.os, "have the fingerprint of a system"),
        (packet.cgroup is not None, "belong to a control group"),
        (packet.presumed is not None, "have a conntrack state that nothing led to: write what came before as steps"),
        (packet.mark and packet.iif, "have a mark when it comes in"),
    ):
        if there:
            raise Failure.of("POL611", f"a real packet cannot be made to {what}")
    if os.geteuid() != 0 and (packet.uid or packet.gid):
        raise Failure.of("POL611", "only root can send packets of other users")
