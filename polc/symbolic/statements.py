"""What rules do to a packet besides their verdict, as functions that go on with it changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.matches import FlagField, Trait
from polc.ir.protocols import TCP, UDP
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
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    Omission,
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
from polc.ir.verdicts import Drop
from polc.symbolic.answers import Members
from polc.symbolic.diagram import HOLDS, NONE, Manager
from polc.symbolic.facts import ENDS
from polc.symbolic.fields import Fields
from polc.symbolic.outcome import (
    Change,
    Derived,
    Effect,
    Operation,
    Step,
    Stolen,
    Unknown,
    Verdict,
    Watch,
    Way,
    sorted_changes,
)
from polc.symbolic.sequence import then
from polc.symbolic.space import UNTRACKED, Of, Space

_MARKS = {MarkField.META: Field.META_MARK, MarkField.CT: Field.CT_MARK}
_SYN, _ACK = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["ack"]
_MAXSEG = 2


class Statements:
    """Makes functions of statements. What nobody asks for later and ``watch`` does not name is left out."""

    def __init__(self, fields: Fields, members: Members, flavour: Flavour, watch: Watch) -> None:
        self.members = members
        self.space: Space = fields.space
        self.manager: Manager = fields.space.manager
        self.fields = fields
        self.flavour = flavour
        self.watch = watch
        reads = self.space.facts.reads
        self._marks = bool({Field.META_MARK, Field.CT_MARK} & reads) or Watch.MARK in watch

    def before(self, statement: Statement, rest: int) -> int:
        """The statement, and then ``rest``: the other statements of the rule and its verdict."""
        match statement:
            case Counter(name):
                return self._noted(Watch.COUNTER, () if name is None else (Counter(name),), rest)
            case Log():
                return self._noted(Watch.LOG, (statement,), rest)
            case Trace() | Duplicate():
                return self._noted(Watch.PACKET, (statement,), rest)
            case AssignHelper(protocol=protocol) | AssignTimeout(protocol=protocol):
                ours = self.fields.protocol(protocol)
                return self.manager.either(ours, self._noted(Watch.FLOW, (statement,), rest), rest)
            case AssignZone() | Offload():
                return self._noted(Watch.FLOW, (statement,), rest)
            case UpdateSet():
                return self._update(statement, rest)
            case SetMark(field, value, mask):
                return self._set_mark(field, value, mask, rest)
            case CopyMark(to, mask, from_mask):
                return self._copy_mark(to, mask, mask if from_mask is None else from_mask, rest)
            case MapMark(field, key, elements):
                found = [
                    self.manager.where(
                        self.fields.element(key, element), self._set_mark(field, value, 0xFFFFFFFF, rest)
                    )
                    for element, value in elements
                ]
                return self.manager.first_of(found)
            case SetPriority(value):
                return self._set_field(Field.META_PRIORITY, value, rest)
            case SetHops(value, change):
                return self._set_hops(value, change, rest)
            case SetDscp(value):
                own = Field.IP_DSCP if self.space.family is Family.IP else Field.IP6_DSCP
                return self._set_field(own, value, rest)
            case StripTcpOptions(kinds):
                return self._strip(kinds, rest)
            case ClampMss(size):
                return self._clamp(size, rest)
            case Notrack():
                return self._notrack(rest)
            case Tproxy():
                taken = self.manager.where(self._tproxied(), self._noted(Watch.PACKET, (statement,), rest))
                return self._elsewhere(self._tproxied(), taken, Drop())
            case Synproxy():
                return self._synproxy(rest)
            case Native(nft, nft_json, iptables):
                return self._end(Unknown(" | ".join(one for one in (nft, nft_json, iptables) if one)))
            case OpaqueStatement(omission=Omission()):
                # What a target may leave out changes no packet's way.
                return self._noted(Watch.PACKET, (statement,), rest)
            case OpaqueStatement(words):
                return self._end(Unknown(words))
            case _:
                assert_never(statement)

    def _end(self, verdict: Verdict) -> int:
        return self.manager.leaf(Step(verdict))

    def _elsewhere(self, condition: int, function: int, verdict: Verdict) -> int:
        return self.manager.either(condition, function, self._end(verdict))

    def _noted(self, kind: Watch, effects: tuple[Effect, ...], rest: int) -> int:
        if kind not in self.watch or not effects:
            return rest
        return then(self.manager, self.manager.leaf(Step(Way.ON, (), effects)), rest)

    def _changed(self, changes: Iterable[tuple[int, Change]], rest: int) -> int:
        made = sorted_changes(dict(changes))
        return then(self.manager, self.manager.leaf(Step(Way.ON, made)), rest) if made else rest

    # Fields

    def _live(self, field: Field) -> bool:
        return field in self.space.facts.reads or Watch.PACKET in self.watch

    def _set_field(self, field: Field, value: int, rest: int) -> int:
        return self._changed([(self.space.field(field).number, value)], rest) if self._live(field) else rest

    def _set_hops(self, value: int, change: HopChange, rest: int) -> int:
        field = Field.TTL if self.space.family is Family.IP else Field.HOPLIMIT
        if not self._live(field):
            return rest
        variable = self.space.field(field)
        if change is HopChange.SET:
            return self._set_field(field, value, rest)
        amount = value if change is HopChange.INCREASE else -value
        derived = Derived(variable.number, ((Operation.ADD, amount),), variable.highest)
        return self._changed([(variable.number, derived)], rest)

    def _strip(self, kinds: tuple[int, ...], rest: int) -> int:
        changes: list[tuple[int, Change]] = []
        for kind in kinds:
            if kind == _MAXSEG:
                if self._live(Field.TCP_MSS) or kind in self.space.facts.options:
                    size = self.space.field(Field.TCP_MSS)
                    changes.append((size.number, size.highest))
            elif kind in self.space.facts.options or Watch.PACKET in self.watch:
                changes.append((self.space.variable(Of.OPTION, kind).number, 0))
        return self._changed(changes, rest)

    def _clamp(self, size: int | None, rest: int) -> int:
        """xt_TCPMSS.c, nft_rt.c: of a SYN that has the option; what the route allows is a variable of its own."""
        if not self._live(Field.TCP_MSS):
            return rest
        variable = self.space.field(Field.TCP_MSS)
        syn = self.space.flags[FlagField.TCP_FLAGS].matching(_SYN, _SYN)
        has = self.manager.all_of((
            self.fields.segments,
            self.manager.within(self.space.variable(Of.FLAGS).number, syn),
            self.space.within(variable, 0, variable.highest - 1),
        ))  # fmt: skip
        change: Change
        if size is None:
            clamped = self.space.variable(Of.LATE, Field.TCP_MSS, variable.highest)
            change = Derived(clamped.number, ((Operation.LEAST, variable.highest - 1),), variable.highest)
        else:
            change = Derived(variable.number, ((Operation.LEAST, size),), variable.highest)
        return self.manager.either(has, self._changed([(variable.number, change)], rest), rest)

    # Marks

    def _set_mark(self, field: MarkField, value: int, mask: int, rest: int) -> int:
        """net/netfilter/xt_mark.c, mark_tg: ``mark & ~mask ^ value``."""
        if not self._marks:
            return rest
        changes: list[tuple[int, Change]] = []
        for variable, low, width in self.space.bits(_MARKS[field]):
            part = value >> low & (1 << width) - 1
            if mask >> low & 1:
                changes.append((variable.number, part))
            elif part:
                assert width == 1, "bits that are turned stand alone"
                changes.append((variable.number, Derived(variable.number, ((Operation.FLIP, 0),))))
        return self._of_mark(field, changes, rest)

    def _of_mark(self, field: MarkField, changes: list[tuple[int, Change]], rest: int) -> int:
        changed = self._changed(changes, rest)
        # A packet without a flow has no mark of a flow to set.
        return changed if field is MarkField.META else self.manager.either(self.fields.tracked, changed, rest)

    def _copy_mark(self, to: MarkField, mask: int, from_mask: int, rest: int) -> int:
        """net/netfilter/xt_connmark.c, connmark_tg_shift: nothing of a packet without a flow."""
        if not self._marks:
            return rest
        other = MarkField.META if to is MarkField.CT else MarkField.CT
        pairs = zip(self.space.bits(_MARKS[to]), self.space.bits(_MARKS[other]), strict=True)
        cases: list[tuple[int, list[tuple[int, Change]]]] = [(HOLDS, [])]
        for (variable, low, width), (source, _, _) in pairs:
            cleared, taken = mask >> low & 1, from_mask >> low & 1
            if taken and cleared:
                copy = Derived(source.number, (), (1 << width) - 1)
                cases = [(there, [*changes, (variable.number, copy)]) for there, changes in cases]
            elif cleared:
                cases = [(there, [*changes, (variable.number, 0)]) for there, changes in cases]
            elif taken:
                # Exclusive or with a single bit: turned where that is set.
                assert width == 1, "bits that are turned stand alone"
                turned = (variable.number, Derived(variable.number, ((Operation.FLIP, 0),)))
                cases = [
                    (self.manager.where(there, self.space.within(source, bit)), [*changes, *([turned] if bit else [])])
                    for there, changes in cases
                    for bit in (0, 1)
                ]
        found = self.manager.first_of(
            self.manager.where(there, self._changed(changes, rest)) for there, changes in cases
        )
        return self.manager.either(self.fields.tracked, found, rest)

    # Sets, conntrack, proxies

    def _update(self, statement: UpdateSet, rest: int) -> int:
        name, key = statement.set_name, statement.key
        changes: list[tuple[int, Change]] = []
        for other in sorted(self.space.facts.sets.get(name, ()), key=str):
            member = self.members.variable(name, other)
            if other == key:
                changes.append((member.number, int(statement.operation is not SetOperation.DELETE)))
            else:
                # Another key may be of the same element now.
                later = self.space.variable(Of.LATE, (member.detail, str(statement.operation)))
                changes.append((member.number, Derived(later.number)))
        changed = self._changed(changes, self._noted(Watch.SET, (statement,), rest))
        has = self.fields.key(key)
        # nft breaks the rule off where the packet lacks a part of the key (nft_dynset.c); iptables goes on (xt_set.c).
        return self.manager.either(has, changed, NONE if self.flavour is Flavour.NFT else rest)

    def _notrack(self, rest: int) -> int:
        """nft_ct.c, nft_notrack_eval: of a packet that has no flow."""
        noted = self._noted(Watch.FLOW, (Notrack(),), rest)
        if self.fields.early:
            return self._changed([(self.space.variable(Of.NOTRACK).number, 1)], noted)
        changed = self._changed([(self.space.variable(Of.CT).number, UNTRACKED)], noted)
        return self.manager.either(self.fields.tracked, rest, changed)

    def _tproxied(self) -> int:
        protocols = Intervals.of((one, one) for one in (TCP, UDP))
        return self.manager.where(
            self.manager.within(self.space.variable(Of.PROTOCOL).number, protocols),
            self.space.within(self.space.variable(Of.TRAIT, Trait.SOCKET), 1),
        )

    def _synproxy(self, rest: int) -> int:
        """nft_synproxy.c, nft_synproxy_do_eval: a SYN is answered, the ACK that ends a handshake is taken in;
        ipt_SYNPROXY.c, synproxy_tg4: where it has no other flag that begins or ends a flow.
        """
        flags, number = self.space.flags[FlagField.TCP_FLAGS], self.space.variable(Of.FLAGS).number
        for_syn, for_ack = (_SYN, _ACK) if self.flavour is Flavour.NFT else (ENDS, ENDS)
        syn = self.manager.where(self.fields.segments, self.manager.within(number, flags.matching(for_syn, _SYN)))
        ack = self.manager.where(self.fields.segments, self.manager.within(number, flags.matching(for_ack, _ACK)))
        open_end = Unknown("whether the packet ends a handshake that synproxy began")
        return self.manager.either(syn, self._end(Stolen()), self.manager.either(ack, self._end(open_end), rest))
