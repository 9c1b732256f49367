"""The elements of a set or map that have to come and go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from polc.backends.nft.json_value import Json, compact, items
from polc.backends.nft.normal_definitions import elements
from polc.kernel.listed import lengthen

Object = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Delta:
    """Elements in nft's words: those listed that go, those wanted that come."""

    gone: tuple[Json, ...] = ()
    new: tuple[Json, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)


def delta(seen: Object, wanted: Object, *, lossy: bool = False) -> Delta:
    """Of a set whose elements are those that were wanted, and no others.

    ``lossy``: a short prefix may be listed as a longer one; whether it is one is not to be seen then.
    """
    here, there = _by_words(seen), _by_words(wanted)
    gone = [one for key, one in here.items() if key not in there]
    new = [one for key, one in there.items() if key not in here]
    if not gone and not new:
        return Delta()
    if _same(seen, gone, new):
        return Delta()
    gone, new = _without_alike(seen, gone, new)
    if lossy:
        listed = [_word(bare(one)) for one in gone]
        gone = [one for one in gone if _word(bare(one)) not in {_lengthened(each) for each in new}]
        new = [one for one in new if _lengthened(one) not in listed]
    return Delta(tuple(map(bare, gone)), tuple(new))


def delta_of_filled(seen: Object, wanted: Object, former: Object | None) -> Delta:
    """Of a set that is filled at run time: what is wanted comes, and only what an earlier policy put in goes."""
    here, there = _by_meaning(seen, _listed(seen)), _by_meaning(wanted, _listed(wanted))
    before = {} if former is None else _by_meaning(former, _listed(former))
    gone = [one for key, one in here.items() if key in before and key not in there]
    new = [one for key, one in there.items() if key not in here]
    return Delta(tuple(map(bare, gone)), tuple(new))


def bare(one: Json) -> Json:
    """An element as it is named to be taken away: without times, counters and comments."""
    match one:
        case [key, value]:
            return [bare(key), value]
        case {"elem": {"val": inner}}:
            return inner
        case _:
            return one


def _listed(value: Object) -> list[Json]:
    return items(value.get("elem", []))


def _by_words(value: Object) -> dict[str, Json]:
    return {_word(one): one for one in _listed(value)}


def _word(one: Json) -> str:
    """Equal for equal words; quick for what large sets hold."""
    match one:
        case str():
            return one
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"range": [str(low), str(high)]}:
            return f"{low}-{high}"
        case _:
            return compact(bare(one))


def _same(value: Object, gone: list[Json], new: list[Json]) -> bool:
    """Whether they are the same elements in other words, or cut into other pieces."""
    return elements({**value, "elem": gone}) == elements({**value, "elem": new})


def _lengthened(one: Json) -> str:
    """An element as nft 0.9.8 lists it."""
    copy: Json = json.loads(json.dumps(one))
    lengthen(copy)
    return _word(bare(copy))


def _without_alike(value: Object, gone: list[Json], new: list[Json]) -> tuple[list[Json], list[Json]]:
    """Without those that are the same one by one."""
    here, there = _by_meaning(value, gone), _by_meaning(value, new)
    return (
        [one for key, one in here.items() if key not in there],
        [one for key, one in there.items() if key not in here],
    )


def _by_meaning(value: Object, some: Iterable[Json]) -> dict[object, Json]:
    return {elements({**value, "elem": [one]}): one for one in some}


def shown(one: Json) -> str:
    """An element as nft's own language has it."""
    match one:
        case [key, value]:
            return f"{shown(key)}: {shown(value)}"
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            return f"{address}/{length}"
        case {"range": [low, high]}:
            return f"{low}-{high}"
        case {"concat": list(parts)}:
            return " . ".join(map(shown, parts))
        case {"elem": {"val": inner}}:
            return shown(inner)
        case str() | int():
            return str(one)
        case _:
            return compact(one)
