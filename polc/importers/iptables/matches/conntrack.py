"""``-m conntrack`` (net/netfilter/xt_conntrack.c, conntrack_mt).

A packet without a flow (invalid or untracked) is asked for its state alone, and meets no other option.
"""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.saved import names, network, spelled, with_values
from polc.importers.iptables.saved import number_range as number_range_as_saved
from polc.importers.iptables.values import (
    choice,
    host_and_mask,
    listed,
    masked_ranges,
    number_range,
    one_of,
    port_range,
)
from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    CtState,
    CtStateMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    Match,
    OriginalAddressMatch,
    Side,
)

STATES = {str(one.name): one.value for one in CtState}
STATES_LISTED = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED")
"""The order in which iptables-save lists them (libxt_conntrack.c, print_state)."""
_NAT = {"SNAT": CT_STATUS_BITS["snat"], "DNAT": CT_STATUS_BITS["dnat"]}
_ALL = CtState.INVALID | CtState.ESTABLISHED | CtState.RELATED | CtState.NEW | CtState.UNTRACKED
_NO_FLOW = CtState.INVALID | CtState.UNTRACKED
_STATUS = {
    "NONE": 0,
    "EXPECTED": CT_STATUS_BITS["expected"],
    "SEEN_REPLY": CT_STATUS_BITS["seen-reply"],
    "ASSURED": CT_STATUS_BITS["assured"],
    "CONFIRMED": CT_STATUS_BITS["confirmed"],
}
_ADDRESSES = {
    "ctorigsrc": (Side.SADDR, False),
    "ctorigdst": (Side.DADDR, False),
    "ctreplsrc": (Side.SADDR, True),
    "ctrepldst": (Side.DADDR, True),
}
_PORTS = {
    "ctorigsrcport": Field.CT_ORIGINAL_SPORT,
    "ctorigdstport": Field.CT_ORIGINAL_DPORT,
    "ctreplsrcport": Field.CT_REPLY_SPORT,
    "ctrepldstport": Field.CT_REPLY_DPORT,
}
_MOST_RANGES = 256
_LATEST = 0xFFFFFFFF

Either = tuple[tuple[Match, ...], ...]


def words_of(word: Word, known: dict[str, int], what: str) -> int:
    """The bits of a list of names.

    Raises:
        Problem: one is unknown, or missing.
    """
    bits = 0
    for one in listed(word):
        name = one.text.upper()
        if not name:
            raise wrong(word, f"a {what} is missing in `{word.text}`", help="a list has commas and no white space")
        if name not in known:
            raise wrong(word, f"`{one.text}` is no {what}", help=did_you_mean(one.text, known) or one_of(known))
        bits |= known[name]
    return bits


def _states(given: Given | None) -> Either:
    """The packets of ``--ctstate`` as alternatives: NAT is told by a flow's status, not by its state."""
    if given is None:
        return ()
    names = [one for one in listed(given.word) if one.text.upper() in _NAT]
    rest = [one.text for one in listed(given.word) if one.text.upper() not in _NAT]
    states = CtState(words_of(Word(",".join(rest), given.word.at), STATES, "conntrack state")) if rest else CtState(0)
    nat = words_of(Word(",".join(one.text for one in names), given.word.at), _NAT, "state") if names else 0
    if not nat:
        chosen = _ALL & ~states if given.negated else states
        return ((CtStateMatch(chosen),),) if chosen else ()
    others = _ALL & ~states
    if given.negated:
        without_flow = ((CtStateMatch(others & _NO_FLOW),),) if others & _NO_FLOW else ()
        flow = others & ~_NO_FLOW
        return (*without_flow, *(((CtStateMatch(flow), FlagsMatch(FlagField.CT_STATUS, nat, 0)),) if flow else ()))
    rewritten = any_of(nat)
    if not states:
        return ((rewritten,),)
    return ((CtStateMatch(states),), *(((CtStateMatch(others & ~_NO_FLOW), rewritten),) if others & ~_NO_FLOW else ()))


def any_of(bits: int) -> FlagsMatch:
    """One of the bits of a flow's status, or another, is set."""
    if bits and bits & (bits - 1) == 0:
        return FlagsMatch(FlagField.CT_STATUS, bits, bits)
    return FlagsMatch(FlagField.CT_STATUS, bits, 0, negated=True)


def _of_flow(options: Options, family: Family) -> list[Match] | None:
    """What the options ask of the flow; None where no node holds it."""
    found: list[Match] = []
    for given in options:
        name, word = given.option.name, given.word
        if name in _ADDRESSES:
            side, reply = _ADDRESSES[name]
            address, mask = host_and_mask(word, family)
            ranges = masked_ranges(address & mask, mask, family.bits, _MOST_RANGES)
            if ranges is None:
                return None
            addresses = AddressSet(ip=ranges) if family is Family.IP else AddressSet(ip6=ranges)
            found.append(OriginalAddressMatch(side, addresses, given.negated, reply))
        elif name in _PORTS:
            found.append(FieldMatch(_PORTS[name], Intervals((port_range(word),)), None, given.negated))
        elif name == "ctproto":
            protocol = read_protocol(word)
            if protocol == 0 and given.negated:
                raise Problem(APART, "no flow is of no protocol", word.at)
            found.append(FieldMatch(Field.CT_ORIGINAL_PROTOCOL, Intervals.single(protocol), None, given.negated))
        elif name == "ctstatus":
            bits = words_of(word, _STATUS, "status of a flow")
            found.append(FlagsMatch(FlagField.CT_STATUS, bits, 0) if given.negated else any_of(bits))
        elif name == "ctexpire":
            found.append(
                FieldMatch(Field.CT_EXPIRATION, Intervals((number_range(word, _LATEST),)), None, given.negated)
            )
        elif name == "ctdir":
            reply = choice(word, {"ORIGINAL": 0, "REPLY": 1}, "direction of a flow") == "REPLY"
            found.append(FieldMatch(Field.CT_DIRECTION, Intervals.single(int(reply))))
    return found


def _read(options: Options, context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m conntrack` needs an option such as `--ctstate`", options.at)
    state = options.get("ctstate") or options.get("state")
    flow = _of_flow(options, context.family)
    if flow is None:
        return Meaning((options.opaque("its mask is none of a prefix"),))
    states = _states(state)
    if state is not None and not states:
        return Meaning(never=True)
    if state is not None and flow:
        split = [part for one in states for part in _with_flow(one, tuple(flow))]
        states = tuple(split)
        flow = []
    if len(states) == 1:
        return Meaning((*states[0], *flow))
    return Meaning(tuple(flow), either=states)


def _with_flow(alternative: tuple[Match, ...], flow: tuple[Match, ...]) -> Either:
    first = alternative[0]
    if not isinstance(first, CtStateMatch):
        return ((*alternative, *flow),)
    without, within = first.states & _NO_FLOW, first.states & ~_NO_FLOW
    found: list[tuple[Match, ...]] = []
    if without and len(alternative) == 1:
        found.append((CtStateMatch(without),))
    if within:
        found.append((CtStateMatch(within), *alternative[1:], *flow))
    return tuple(found)


def _ports_as_saved(word: Word) -> str:
    return spelled(*port_range(word))


def _status_as_saved(word: Word) -> str:
    """`NONE` is no status beside others."""
    given = {one.text.upper() for one in listed(word)}
    return ",".join(name for name in _STATUS if name in given and name != "NONE") or "NONE"


MATCH = MatchExtension(
    "conntrack",
    (
        Option("ctstate", negatable=True, saved=names((*STATES_LISTED, *_NAT))),
        Option("ctproto", negatable=True, saved=with_values(lambda word: str(read_protocol(word)))),
        *(Option(name, negatable=True, saved=network) for name in _ADDRESSES),
        *(Option(name, negatable=True, saved=with_values(_ports_as_saved)) for name in _PORTS),
        Option("ctstatus", negatable=True, saved=with_values(_status_as_saved)),
        Option("ctexpire", negatable=True, saved=number_range_as_saved(_LATEST)),
        Option("ctdir", saved=with_values(lambda word: word.text.upper())),
    ),
    read=_read,
)
