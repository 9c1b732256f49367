"""Definitions that name each other: an order in which each comes after those that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polc.policy.document import Word


def in_order(references: Mapping[str, tuple[Word, ...]]) -> Iterator[str | tuple[Word, ...]]:
    """Yield each name after all that it names, or, for a cycle, the words that close it in their order.

    ``references`` gives the words by which each definition names others; words that are no key are passed over.
    The names of a cycle come too. Depth is not bounded, so there is no recursion.
    """
    done: set[str] = set()
    for root in references:
        path: list[tuple[str, Iterator[Word]]] = [(root, iter(references[root]))] if root not in done else []
        through: list[Word] = []
        open_names = {root}
        while path:
            name, waiting = path[-1]
            word = next((one for one in waiting if one.text in references and one.text not in done), None)
            if word is None:
                path.pop()
                open_names.discard(name)
                if through:
                    through.pop()
                done.add(name)
                yield name
            elif word.text in open_names:
                start = next(index for index, (one, _) in enumerate(path) if one == word.text)
                yield (*through[start:], word)
            else:
                open_names.add(word.text)
                through.append(word)
                path.append((word.text, iter(references[word.text])))
