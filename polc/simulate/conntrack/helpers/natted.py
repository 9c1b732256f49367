"""Expectations of flows that NAT changes (net/netfilter/nf_nat_helper.c)."""

from __future__ import annotations

from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import Flow
from polc.simulate.conntrack.table import Table
from polc.simulate.nat import follow_master
from polc.simulate.world import World

_LOWEST, _PORTS = 1024, 64512


def bind_as_master(world: World, made: Expectation, *, reply: bool) -> None:
    """Have the expected flow bound as its master is; ``reply`` is the direction in which it will come
    (nf_nat_follow_master).
    """
    made.reply = reply

    def bind(table: Table, new: Flow, expectation: Expectation) -> None:
        follow_master(world, new, expectation.saved_port, reply=expectation.reply)

    made.on_flow = bind


def expect(world: World, made: Expectation, *, reply: bool) -> bool:
    """Expect a flow at the port that was named or, where one is expected there already, at another
    (nf_nat_exp_find_port). False: there is no port.
    """
    made.saved_port = made.right
    bind_as_master(world, made, reply=reply)
    table = world.table
    if table.expectations.add(made, table.now):
        return True
    for _ in range(_PORTS):
        made.right = _LOWEST + world.random.randrange(_PORTS)
        if table.expectations.add(made, table.now):
            return True
    return False
