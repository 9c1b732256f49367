"""``-m policy``: IPsec, before or behind it (net/netfilter/xt_policy.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem, Word
from polc.importers.iptables.saved import decimal, lowered, network, with_values
from polc.importers.iptables.values import choice, host_and_mask, integer, number
from polc.ir.family import Family
from polc.ir.matches import Trait, TraitMatch

_PROTOCOLS = {"ah": "ah", "51": "ah", "esp": "esp", "50": "esp", "ipcomp": "ipcomp", "108": "ipcomp"}
_ELEMENT = {
    # in the order in which iptables-save writes them (libxt_policy.c, print_entry)
    "reqid": decimal,
    "spi": with_values(lambda word: f"{integer(word.text):#x}"),
    "proto": with_values(lambda word: _PROTOCOLS[word.text.lower()]),
    "mode": lowered,
    "tunnel-dst": network,
    "tunnel-src": network,
}
_MODES = {"transport": "", "tunnel": ""}


def _read(options: Options, _context: Context) -> Meaning:
    direction = choice(options.need("dir").word, {"in": "", "out": ""}, "direction")
    pol = options.get("pol")
    kind = choice(pol.word, {"none": "", "ipsec": ""}, "policy") if pol else "ipsec"
    _check_elements(options)
    strict, following = options.get("strict"), options.get("next")
    elements = [one for one in options if one.option.name in _ELEMENT]
    if following and not strict:
        raise Problem(APART, "`--next` needs `--strict` beside it", following.at)
    if strict and not elements:
        raise Problem(APART, "`--strict` needs an option such as `--reqid` for each element", strict.at)
    if kind == "none" and (elements or strict):
        raise Problem(APART, "`--pol none` stands without options of a policy", options.at)
    if direction == "in" and not elements and not strict:
        return Meaning((TraitMatch(Trait.IPSEC, kind == "none"),))
    if direction == "out" and not elements and not strict:
        return Meaning((options.opaque("polc knows whether a packet came by IPsec, and not whether it will leave so"),))
    return Meaning((options.opaque("polc knows whether a packet came by IPsec, and not by which policy"),))


def _check_elements(options: Options) -> None:
    """Options of one element, up to ``--next``, each at most once; addresses are of tunnels."""
    seen: dict[str, str] = {}
    tunnels: list[int] = []
    for given in (*options, None):
        name = given.option.name if given else "next"
        if name == "next":
            if tunnels and seen.get("mode") != "tunnel":
                raise Problem(APART, "addresses need `--mode tunnel`", tunnels[0])
            seen, tunnels = {}, []
        elif given and name in _ELEMENT:
            if name in seen:
                raise Problem(APART, f"`--{name}` stands twice for one element", given.at)
            seen[name] = given.word.text
            match name:
                case "reqid" | "spi":
                    number(given.word, 0, 0xFFFFFFFF)
                case "proto":
                    choice(given.word, _PROTOCOLS, "protocol of IPsec")
                case "mode":
                    choice(given.word, _MODES, "mode of IPsec")
                case _:
                    tunnels.append(given.at)
                    host_and_mask(given.word, Family.IP6 if ":" in given.word.text else Family.IP)


_POLICY = Option("pol", saved=lowered)


def _complete(options: Options) -> tuple[Given, ...]:
    """The policy is said, and within an element the options have an order."""
    order = {name: place for place, name in enumerate(_ELEMENT)}
    elements: list[list[Given]] = [[]]
    for given in options:
        if given.option.name == "next":
            elements.append([given])
        else:
            elements[-1].append(given)
    # What is of no element is among the first, and so is `--next` of its element.
    ordered = [one for each in elements for one in sorted(each, key=lambda one: order.get(one.option.name, -1))]
    if "pol" not in options:
        ordered.append(Given(_POLICY, False, (Word("ipsec", options.at),), options.at))
    return tuple(ordered)


MATCH = MatchExtension(
    "policy",
    (
        Option("dir", saved=lowered),
        _POLICY,
        Option("strict", takes=0),
        *(Option(name, negatable=True, repeats=True, saved=saved) for name, saved in _ELEMENT.items()),
        Option("next", takes=0, repeats=True),
    ),
    complete=_complete,
    read=_read,
)
