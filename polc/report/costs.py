"""What packets cost in each base chain: the longest way through its lines, jumps followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from polc.report.model import ChainReport, Cost
from polc.report.shape import Chain, Line, Shape, Way, WayKind

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Longest:
    """The longest ways on which a packet finds its verdict, and on which it comes to the end; None: there is none."""

    decided: Cost | None
    undecided: Cost | None

    def either(self) -> Cost:
        return _longer(self.decided, self.undecided) or Cost()


def costs(shape: Shape) -> tuple[ChainReport, ...]:
    """One for each base chain, in the order of the output."""
    chains = {_key(chain): chain for chain in shape.chains}
    worst, established = _Ways(chains, established=False), _Ways(chains, established=True)
    return tuple(
        ChainReport(
            chain.file,
            chain.table,
            chain.name,
            chain.hook,
            len(chain.lines),
            worst.of(chain).either(),
            Cost() if chain.rewrites else established.of(chain).either(),
        )
        for chain in shape.chains
        if chain.hook
    )


def _key(chain: Chain) -> _Key:
    return (chain.file, chain.table, chain.name)


class _Ways:
    """The longest ways through chains, each found once; jumps never come back to a chain that they came from."""

    def __init__(self, chains: dict[_Key, Chain], *, established: bool) -> None:
        self._chains = chains
        self._established = established
        self._found: dict[_Key, _Longest] = {}

    def of(self, chain: Chain) -> _Longest:
        key = _key(chain)
        if key not in self._found:
            rest = _Longest(None, Cost())
            for line in reversed(chain.lines):
                rest = self._before(line, rest, chain)
            self._found[key] = rest
        return self._found[key]

    def _before(self, line: Line, rest: _Longest, chain: Chain) -> _Longest:
        """The longest ways from ``line`` on, those behind it being ``rest``."""
        applies = line.established if self._established else line.applies
        ways = line.established_ways if self._established else line.ways
        found = [rest] if applies is not True or not ways else []
        if applies is not False:
            found += (self._by(way, rest, chain) for way in ways)
        here = Cost(1, line.lookups)
        return _Longest(
            _plus(here, _longest(one.decided for one in found)), _plus(here, _longest(one.undecided for one in found))
        )

    def _by(self, way: Way, rest: _Longest, chain: Chain) -> _Longest:
        if way.kind is WayKind.ENDS:
            return _Longest(Cost(), None)
        if way.kind is WayKind.RETURNS:
            return _Longest(None, Cost())
        called = self._chains.get((chain.file, chain.table, way.chain))
        # A chain of somebody else's: nothing is known of it.
        inside = _Longest(Cost(), Cost()) if called is None else self.of(called)
        if way.kind is WayKind.GOES:
            return inside
        back = inside.undecided
        if back is None:
            return inside
        return _Longest(_longer(inside.decided, _plus(back, rest.decided)), _plus(back, rest.undecided))


def _plus(one: Cost, other: Cost | None) -> Cost | None:
    return None if other is None else one + other


def _longer(one: Cost | None, other: Cost | None) -> Cost | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=lambda cost: (cost.rules + cost.lookups, cost.rules))


def _longest(found: Iterable[Cost | None]) -> Cost | None:
    longest = None
    for one in found:
        longest = _longer(longest, one)
    return longest
