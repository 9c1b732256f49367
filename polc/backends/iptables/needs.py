"""What lines take of a kernel that some are built without: modules of xtables, and types of sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from polc.backends.features import Feature
from polc.backends.iptables.extensions.words import Refused
from polc.backends.profile import Profile

_BY_NAME = {feature.value: feature for feature in Feature}
_KINDS = {"-m": "match", "-j": "target"}
# A text in quotes, a comment say, may hold anything.
_MODULE = re.compile(r'"(?:\\.|[^"\\])*"|(?<!\S)(-[mj]) (\S+)')


def check_lines(lines: Iterable[str], profile: Profile) -> None:
    """Raises:
    Refused: a line, which lacks its ``-A CHAIN``, has a match or target that is missing on the profile's host.
    """
    if profile.absent:
        for line in lines:
            _check(features(line), profile)


def check_set(kind: str, profile: Profile) -> None:
    """Raises:
    Refused: sets of a type, ``hash:net``, are missing there.
    """
    _check(features_of_set(f"create NAME {kind}"), profile)


def features(line: str) -> Iterator[Feature]:
    """What a line takes; a match without a feature (``-m tcp``) is there with xtables itself."""
    for found in _MODULE.finditer(line):
        option, name = found.groups()
        if option is not None and (feature := _BY_NAME.get(f"{_KINDS[option]} {name}")):
            yield feature


def has_set(kind: str, profile: Profile) -> bool:
    """Whether the profile's host has sets of a type, ``hash:net``, and rules that ask them."""
    wanted = (_BY_NAME.get(f"ipset {kind}"), _BY_NAME.get("match set"))
    return all(profile.has(one) for one in wanted if one is not None)


def features_of_set(command: str) -> Iterator[Feature]:
    _, _, kind, *_ = command.split(maxsplit=3)
    if feature := _BY_NAME.get(f"ipset {kind}"):
        yield feature


def _check(needed: Iterable[Feature], profile: Profile) -> None:
    for feature in needed:
        if not profile.has(feature):
            reason, able = profile.lacks(feature)
            raise Refused("missing-module", reason, able)
