"""A rule of the IR in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from polc.ir.addresses import format_address, format_range
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import STATEFUL
from polc.ir.ruleset import Rule
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    Duplicate,
    Log,
    MapMark,
    Native,
    Notrack,
    Offload,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatMap, Queue, Reject, Return, Verdict, VerdictMap
from polc.simulate.describe import field_of, wanted


def sentences(rule: Rule) -> Iterator[str]:
    """Which packets the rule is about, a line for each condition, and what becomes of them."""
    families = [one for one in FAMILIES if one in rule.families]
    kinds = "packets" if len(families) == 2 else f"{'IPv4' if families == [Family.IP] else 'IPv6'} packets"
    stateless = [match for match in rule.matches if not isinstance(match, STATEFUL)]
    stateful = [match for match in rule.matches if isinstance(match, STATEFUL)]
    yield f"of {kinds}" + (", those for which" if rule.matches else ", all")
    for match in (*stateless, *stateful):
        said = dict.fromkeys(wanted(match, family) for family in families)
        yield f"  {field_of(match)} is {' or '.join(said)}"
    for statement in rule.statements:
        yield f"does: {statement_text(statement)}"
    yield f"then: {verdict_text(rule.verdict)}"


def statement_text(one: Statement) -> str:
    match one:
        case Counter(name):
            return f"counts them in `{name}`" if name else "counts them"
        case Log(prefix, level, group):
            where = f"the log group {group}" if group is not None else f"the kernel log, level {level.name.lower()}"
            return f'writes them to {where}, prefix "{prefix}"'
        case AssignHelper(helper):
            return f"attaches the conntrack helper `{helper}` to their flows"
        case AssignTimeout(name):
            return f"gives their flows the timeouts `{name}`"
        case AssignZone(zone, direction):
            return f"puts them into the conntrack zone {zone}" + (f" ({direction.value})" if direction else "")
        case Offload(flowtable):
            return f"puts their flows into the flowtable `{flowtable}`"
        case UpdateSet(key, name, timeout, operation):
            time = f" for {timeout} s" if timeout is not None else ""
            parts = " . ".join(str(part.value) for part in key)
            return f"{operation.value}s {parts} in the set `{name}`{time}"
        case SetMark(field, value, mask):
            return f"sets {field.value} to {value:#x}" + (f" under the mask {mask:#x}" if mask != 0xFFFFFFFF else "")
        case CopyMark(to):
            return f"copies the other mark to {to.value}"
        case MapMark(field):
            return f"sets {field.value} by a map"
        case SetPriority(value):
            return f"sets the priority to {value >> 16:x}:{value & 0xFFFF:x}"
        case SetHops(value, change):
            return f"{change.value}s the hops that are left: {value}"
        case Trace():
            return "has the kernel trace them"
        case Duplicate(family, address):
            return f"sends a copy to {format_address(family, address)}"
        case StripTcpOptions(kinds):
            return f"takes out the TCP options {', '.join(map(str, kinds))}"
        case Notrack():
            return "exempts them from conntrack"
        case ClampMss(size):
            return f"lowers their MSS to {size if size is not None else 'what the route allows'}"
        case SetDscp(value):
            return f"sets their code point to {value}"
        case Tproxy(port):
            return "hands them to a local socket" + (f" on port {port}" if port is not None else "")
        case Synproxy():
            return "answers their SYNs in the server's place"
        case Native() | OpaqueStatement():
            return "what its own words say, which polc does not look into"
        case _:
            assert_never(one)


def verdict_text(verdict: Verdict | None) -> str:
    match verdict:
        case None:
            return "they go on to the next rule"
        case Accept():
            return "accepts them: they have passed this hook's chain"
        case Drop():
            return "drops them, without an answer"
        case Reject(type):
            return f"rejects them: the sender is told {type.value}"
        case Jump(chain):
            return f"they go through the chain `{chain}`, and come back where it does not decide"
        case Goto(chain):
            return f"they go on in the chain `{chain}`, and do not come back here"
        case Return():
            return "they leave this chain"
        case Nat(kind, family, addresses, ports):
            to = ""
            if addresses is not None and family is not None:
                to = f" to {format_range(family, *addresses.ranges[0])}"
            if ports is not None:
                low, high = ports.ranges[0]
                to += f" port {low}" if low == high else f" ports {low}-{high}"
            return f"{kind.value} of their flow{to}"
        case NatMap(kind):
            return f"{kind.value} of their flow, by a map"
        case Queue(first, last):
            return f"a program decides, on queue {first}" + (f" to {last}" if last != first else "")
        case VerdictMap(elements=elements):
            return f"one of {len(elements)} verdicts by a map; what is in none goes on to the next rule"
        case _:
            assert_never(verdict)
