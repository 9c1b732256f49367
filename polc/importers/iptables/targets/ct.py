"""``-j CT``: what conntrack is to do with the packet that it has not seen yet (net/netfilter/xt_CT.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension, Written
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import names
from polc.importers.iptables.values import integer, listed, number
from polc.ir.statements import AssignHelper, AssignZone, CtDirection, Notrack, Statement

_ZONES = {"zone": None, "zone-orig": CtDirection.ORIGINAL, "zone-reply": CtDirection.REPLY}
_EVENTS = (
    "new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark",
)  # fmt: skip
_LONGEST_HELPER = 15
_LONGEST_TIMEOUT = 31
_EXPECTED = ("new",)


def _read(options: Options, context: Context) -> Action:
    reason = _check(options)
    if reason:
        return options.opaque_action(reason)
    if "notrack" in options:
        return Action((Notrack(),))
    found: list[Statement] = []
    zone = options.among(*_ZONES)
    if zone:
        found.append(AssignZone(number(zone.word, 0, 0xFFFF, "zone"), _ZONES[zone.option.name]))
    if helper := options.get("helper"):
        if not context.protocol:
            raise Problem(APART, "`--helper` needs a `-p` that names the protocol", helper.at)
        found.append(AssignHelper(helper.word.text, context.protocol))
    return Action(tuple(found))


def _check(options: Options) -> str:
    """Why no node holds it; empty where one does."""
    reason = ""
    for given in options:
        name = given.option.name
        if name in ("ctevents", "expevents"):
            _events(given, _EVENTS if name == "ctevents" else _EXPECTED)
            reason = "it chooses which events of the flow are reported"
        elif name == "timeout":
            _named(given.word, _LONGEST_TIMEOUT, "policy of timeouts")
            reason = "what the policy of timeouts says is kept outside the rules, by nfct(8)"
        elif name == "helper":
            _named(given.word, _LONGEST_HELPER, "helper")
        elif name in _ZONES and given.word.text == "mark":
            reason = reason or "it takes the zone from the packet's mark"
        elif name in _ZONES:
            number(given.word, 0, 0xFFFF, "zone")
    if not options.given:
        return "it only keeps later `-j CT` from having an effect"
    if "notrack" in options and len(options.given) > 1:
        reason = reason or "it gives settings to a packet that it takes out of conntrack"
    return reason


def _named(word: Word, longest: int, what: str) -> None:
    if not 0 < len(word.text) <= longest:
        raise wrong(word, f"`{word.text}` is no name of a {what}: those have 1 to {longest} letters")


def _events(given: Given, known: tuple[str, ...]) -> None:
    for one in listed(given.word):
        if one.text not in known:
            raise wrong(one, f"`{one.text}` is no event of conntrack", help=did_you_mean(one.text, known))


def _zone_as_saved(given: Given) -> Written | None:
    """Zone 0 is not said (libxt_CT.c, ct_save_v1)."""
    found = integer(given.word.text)
    return None if found == 0 else Written(given.option.name, (given.word.text if found is None else str(found),))


TARGET = TargetExtension(
    "CT",
    (
        Option("notrack", takes=0),
        *(Option(name) for name in ("helper", "timeout")),
        Option("ctevents", saved=names(_EVENTS)),
        Option("expevents"),
        *(Option(name, saved=_zone_as_saved) for name in _ZONES),
    ),
    tables=frozenset({"raw"}),
    read=_read,
)
