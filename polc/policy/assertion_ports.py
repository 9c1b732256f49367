"""``host:443``: a port behind where a packet goes."""

from __future__ import annotations

import re

from polc.policy.document import Endpoint, Names, Word
from polc.source import Span

_WITH_PORT = re.compile(r"(host|[0-9]+(?:\.[0-9]+){3}|\[[^\]]*\]):([0-9]+(?:-[0-9]+)?)")


def split_port(ends: Endpoint) -> tuple[Endpoint, Word | None]:
    """The endpoint without the port of its only address, and the port; None: there is none.

    ``host`` with a port is where zones stand from then on.
    """
    addresses = ends.addresses
    if addresses is None or addresses.negated or len(addresses.words) != 1:
        return ends, None
    word = addresses.words[0]
    found = _WITH_PORT.fullmatch(word.text)
    if found is None:
        return ends, None
    end, port = found[1], Word(found[2], _part(word, found.start(2), found.end(2)))
    if end == "host" and ends.zones is None:
        return Endpoint(Names((Word(end, _part(word, 0, len(end))),)), None), port
    address = Word(end.strip("[]"), _part(word, found.start(1), found.end(1)))
    return Endpoint(ends.zones, Names((address,))), port


def _part(word: Word, start: int, end: int) -> Span:
    """A part of a word, where that stands letter by letter."""
    span = word.span
    return Span(span.source, span.start + start, span.start + end) if span.text == word.text else span
