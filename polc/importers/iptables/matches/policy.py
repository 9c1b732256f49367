"""``-m policy``: IPsec, before or behind it (net/netfilter/xt_policy.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.values import choice, masked_address, number
from polc.ir.family import Family
from polc.ir.matches import Trait, TraitMatch

_ELEMENT = ("reqid", "spi", "proto", "mode", "tunnel-src", "tunnel-dst")
_PROTOCOLS = dict.fromkeys(("ah", "esp", "ipcomp", "51", "50", "108"), "")
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
                    masked_address(given.word, Family.IP6 if ":" in given.word.text else Family.IP)


MATCH = MatchExtension(
    "policy",
    (
        Option("dir"),
        Option("pol"),
        Option("strict", takes=0),
        *(Option(name, negatable=True, repeats=True) for name in _ELEMENT),
        Option("next", takes=0, repeats=True),
    ),
    read=_read,
)
