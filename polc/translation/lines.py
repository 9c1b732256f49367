"""The lines of an output that each rule became."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from polc.backends.model import Options, OutputFile
from polc.backends.registry import BACKENDS
from polc.ir.ruleset import Ruleset
from polc.report.tags import tag
from polc.source import Span
from polc.translation.model import Became

_TAG = re.compile(
    r' comment "polc-rule-(?P<text>\d+)"| -m comment --comment "?polc-rule-(?P<iptables>\d+)"?(?= |$)'
    r'|"comment":"polc-rule-(?P<json>\d+)",?'
)


def lines(
    ruleset: Ruleset, target: str, options: Options, files: Sequence[OutputFile]
) -> Iterator[tuple[tuple[Span, ...], Became]]:
    """What stands in ``files`` for the rules of the ruleset, without their comments. On nft it is in nft's language
    where that can say it, whatever the format.
    """
    tagged = tag(ruleset)
    names = {one.name for one in files}
    found: set[int] = set()
    formats = dict.fromkeys(("text", options.format)) if target == "nft" else (options.format,)
    for one in formats:
        done = set(found)
        for file in BACKENDS[target].emit(tagged.ruleset, replace(options, format=one)).files:
            name = file.name if file.name in names or not names else next(iter(names))
            for line in file.text.splitlines():
                tagged_as = _TAG.search(line)
                if tagged_as and (number := int(next(one for one in tagged_as.groups() if one))) not in done:
                    found.add(number)
                    words = (line[: tagged_as.start()] + line[tagged_as.end() :]).strip().rstrip(",")
                    yield tagged.origins[number].spans, Became(name, words)
