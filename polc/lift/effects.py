"""What a rule does besides its verdict."""

from __future__ import annotations

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.fields import FIELDS, TCP_OPTION_KINDS, Field
from polc.ir.matches import Side
from polc.ir.ruleset import Rule
from polc.ir.selectors import InterfacePattern
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    LogLevel,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetOperation,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
    UpdateSet,
)
from polc.lift.definitions import Definitions
from polc.lift.maps import mark_map
from polc.lift.model import Unsayable, Words
from polc.lift.quoting import quoted
from polc.lift.times import seconds
from polc.lift.zones import pattern_text
from polc.policy.lower.helpers import HELPERS

_WHOLE = 0xFFFFFFFF
_OPTIONS = {kind: name for name, kind in TCP_OPTION_KINDS.items()}
_CODE_POINTS = {number: name for name, number in reversed(FIELDS[Field.IP_DSCP].names)}
_HOPS = {HopChange.SET: "set", HopChange.INCREASE: "inc", HopChange.DECREASE: "dec"}


def say(statement: Statement, rule: Rule, known: Definitions, words: Words) -> None:
    """Add the clause for a statement.

    Raises:
        Unsayable: there is none.
    """
    match statement:
        case Counter(name):
            words.add(*(("counter", "counter") if name is None else ("tally", f"count {known.counter(name)}")))
        case Log():
            words.add("log", _log(statement))
        case AssignHelper(helper):
            if helper not in HELPERS:
                raise Unsayable(f"the kernel has no conntrack helper `{helper}`")
            words.add("helper", f"helper {helper}")
        case AssignTimeout():
            words.add("assign", f"ct timeout set {known.timeout(statement)}")
        case AssignZone(zone, direction):
            words.add("assign", f"ct {f'{direction.value} ' if direction else ''}zone set {zone}")
        case Offload(flowtable):
            words.add("offload", f"flow add @{known.flowtables[flowtable]}")
        case UpdateSet():
            words.add("ban", _ban(statement, known))
        case SetMark(field, value, mask):
            name = "mark" if field is MarkField.META else "assign"
            words.add(name, f"{'mark' if field is MarkField.META else 'ct mark'} {_mark(value, mask)}")
        case CopyMark(to, mask, from_mask):
            if from_mask not in (None, mask):
                raise Unsayable("it copies bits of a mark to bits at another place")
            masked = "" if mask == _WHOLE else f" mask {mask:#x}"
            words.add("mark", f"mark {'save' if to is MarkField.CT else 'restore'}{masked}")
        case MapMark(field):
            name = "mark" if field is MarkField.META else "ct mark"
            words.add("mark" if field is MarkField.META else "assign", f"{name} set {mark_map(statement, rule)}")
        case SetPriority(value):
            words.add("assign", f"meta priority set {value >> 16:x}:{value & 0xFFFF:x}")
        case SetHops(value, change):
            named = (("ip ttl", Family.IP), ("ip6 hoplimit", Family.IP6))
            for field_name, family in named:
                if family in rule.families:
                    words.add("assign", f"{field_name} {_HOPS[change]} {value}")
        case Trace():
            words.add("trace", "trace")
        case Duplicate(family, address, device):
            by = f" device {_device(device)}" if device else ""
            words.add("dup", f"dup to {format_address(family, address)}{by}")
        case StripTcpOptions(kinds):
            words.add("strip", f"reset {', '.join(f'tcp option {_OPTIONS.get(one, one)}' for one in kinds)}")
        case Notrack():
            words.add("notrack", "notrack")
        case ClampMss(size):
            words.add("mss", "mss clamp" if size is None else f"mss clamp size {size}")
        case SetDscp(value):
            words.add("dscp", f"dscp set {_CODE_POINTS.get(value, value)}")
        case Synproxy(mss, wscale, timestamp, sack_perm):
            options = f"{' timestamp' if timestamp else ''}{' sack-perm' if sack_perm else ''}"
            words.add("synproxy", f"synproxy mss {mss} wscale {wscale}{options}")
        case Tproxy() | OpaqueStatement() | Native():
            # These are said as a verdict, or in words of their own.
            pass


def _log(log: Log) -> str:
    parts = [f"log {quoted(log.prefix)}"]
    if log.group is not None:
        parts.append(f"group {log.group}")
        parts += [f"snaplen {log.snaplen}"] if log.snaplen is not None else []
        parts += [f"queue-threshold {log.queue_threshold}"] if log.queue_threshold is not None else []
        return " ".join(parts)
    if log.level is not LogLevel.WARN:
        parts.append(f"level {log.level.name.lower()}")
    if log.flags:
        every = log.flags == frozenset(LogFlag)
        named = "all" if every else ", ".join(one.value.replace(" ", "-") for one in LogFlag if one in log.flags)
        parts.append(f"flags {named}")
    return " ".join(parts)


def _ban(update: UpdateSet, known: Definitions) -> str:
    name = known.dynamic(update.set_name)
    # Without a time there is none to renew.
    renews = update.operation is SetOperation.UPDATE or update.set_name in known.forever
    if len(update.key) != 1 or not isinstance(update.key[0], Side) or not renews:
        raise Unsayable("a policy puts sources or destinations into groups and renews them there, and nothing else")
    timeout = "" if update.timeout is None else f" {seconds(update.timeout)}"
    return f"ban @{name}{timeout}{' per destination' if update.key[0] is Side.DADDR else ''}"


def _mark(value: int, mask: int) -> str:
    verb = "xor" if value & ~mask or mask == 0 else "set"
    whole = 0 if verb == "xor" else _WHOLE
    number = str(value) if value < 10 else f"{value:#x}"
    return f"{verb} {number}" + ("" if mask == whole else f" mask {mask:#x}")


def _device(name: str) -> str:
    text = pattern_text(InterfacePattern(name))
    return text if text.isascii() and text.replace("-", "_").replace(".", "_").isidentifier() else quoted(text)
