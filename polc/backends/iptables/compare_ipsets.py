"""Reading sets back: are those there that were emitted?"""

from __future__ import annotations

from collections.abc import Iterator

_OF_THE_KERNEL = frozenset({"hashsize", "bucketsize", "initval"})
"""How a set is kept, not what it means: the table grows, and the kernel draws the others."""

_FLAGS = frozenset({"counters", "comment", "skbinfo", "forceadd"})
"""Options without a value."""


def differences(emitted: str, saved: str) -> tuple[str, ...]:
    """What ``saved`` (of ``ipset save``) lacks of ``emitted``, a sentence each.

    Members do not count: rules fill the sets. Nor do other sets of the host.
    """
    return tuple(_differences(_parse(emitted), _parse(saved)))


def _differences(wanted: dict[str, dict[str, str]], found: dict[str, dict[str, str]]) -> Iterator[str]:
    for name, options in wanted.items():
        if name not in found:
            yield f"set {name} is missing"
            continue
        for option in dict.fromkeys((*options, *found[name])):
            meant, held = options.get(option, "absent"), found[name].get(option, "absent")
            if meant != held:
                yield f"set {name}: {option} is {held}, not {meant}"


def _parse(text: str) -> dict[str, dict[str, str]]:
    lines = (line.split() for line in text.splitlines())
    return {words[1]: _options(words[2:]) for words in lines if words[:1] == ["create"]}


def _options(words: list[str]) -> dict[str, str]:
    found = {"type": words.pop(0)}
    while words:
        option = words.pop(0)
        value = "set" if option in _FLAGS else words.pop(0)
        if option not in _OF_THE_KERNEL:
            found[option] = value
    return found
