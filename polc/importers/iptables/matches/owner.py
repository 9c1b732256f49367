"""``-m owner``: user and group of the local socket (net/netfilter/xt_owner.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import spelled, with_values
from polc.importers.iptables.values import integer
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_FIELDS = {"uid-owner": Field.META_SKUID, "gid-owner": Field.META_SKGID}
_HIGHEST = 0xFFFFFFFE


def _range(word: Word) -> tuple[int, int]:
    # The one name that is the same number on every host.
    left, dash, right = ("0", "", "") if word.text == "root" else word.text.partition("-")
    low, high = integer(left), integer(right if dash else left)
    if low is None or high is None:
        hint = "which number a name stands for is told by the host's /etc/passwd or /etc/group: write the number"
        raise wrong(word, f"`{word.text}` is no number and no range of numbers", help=hint)
    if low > high or high > _HIGHEST:
        raise wrong(word, f"`{word.text}` is no range from 0 to {_HIGHEST}")
    return low, high


def _saved(word: Word) -> str:
    return spelled(*_range(word), "-")


def _read(options: Options, _context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m owner` needs `--uid-owner`, `--gid-owner` or `--socket-exists`", options.at)
    supplementary, group = options.get("suppl-groups"), options.get("gid-owner")
    if supplementary and (group is None or group.at > supplementary.at):
        raise Problem(APART, "`--suppl-groups` stands behind a `--gid-owner`", supplementary.at)
    held: list[FieldMatch] = []
    excluded: list[FieldMatch] = []
    for given in options:
        if given.option.name in _FIELDS:
            match = FieldMatch(_FIELDS[given.option.name], Intervals((_range(given.word),)))
            (excluded if given.negated else held).append(match)
    if supplementary:
        return Meaning((options.opaque("nft knows the group of a socket, and not its other groups"),))
    if "socket-exists" in options:
        return Meaning((options.opaque("nft does not ask whether there is a socket"),))
    if len(excluded) == 2:
        return Meaning((options.opaque("it holds for packets without a socket, and for neither user nor group"),))
    if excluded and held:
        # Where one of them is asked for there is a socket, and so there are both.
        field, values = excluded[0].field, excluded[0].values
        return Meaning((*held, FieldMatch(field, values, None, True)))
    # `!` alone holds for packets without a socket, too.
    return Meaning(tuple(held), unless=tuple(excluded))


MATCH = MatchExtension(
    "owner",
    (
        Option("socket-exists", takes=0, negatable=True),
        Option("uid-owner", negatable=True, saved=with_values(_saved)),
        Option("gid-owner", negatable=True, saved=with_values(_saved)),
        Option("suppl-groups", takes=0),
    ),
    chains=frozenset({"OUTPUT", "POSTROUTING"}),
    read=_read,
)
