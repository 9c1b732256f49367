"""nft's own language, read by nft itself: loaded in a scratch namespace, and listed as JSON from there.

What it includes is read as ``nft -f`` reads it, from beside the file and from nft's own places. Hours are those of UTC.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from polc.diagnostics import Diagnostic, Failure, Label
from polc.importers.nft_json.json_value import Json, compact, items
from polc.kernel.devices import add_devices
from polc.kernel.listed import complete
from polc.kernel.netns import Namespace, ScratchNamespace
from polc.kernel.programs import find
from polc.source import SourceFile, Span

_LONGEST = 600.0
"""Seconds that nft may take for a ruleset."""
_STDIN = "/dev/stdin"
_ERROR = re.compile(r"(?P<file>\S+?):(?P<line>\d+):(?P<first>\d+)-(?P<last>\d+): Error: (?P<words>.+)")
_NAME = r'"?(?P<name>[^\s"{},;]{1,15})"?'
_NAMED = (
    re.compile(rf"\b(?:iif|oif|sdif)\s+(?:==\s*|!=\s*)?{_NAME}"),
    re.compile(rf"\bdevice\s+{_NAME}"),
)
_LISTED = re.compile(r"\b(?:devices\s*=|(?:iif|oif)\s+(?:==\s*|!=\s*)?(?:vmap\s*)?)\s*\{(?P<names>[^{}]*)\}")


def read_nft_text(source: SourceFile) -> SourceFile:
    """The listing, as JSON that ``polc.importers.nft_json`` reads, an object a line.

    Raises:
        Failure: POL536, nft does not take the text; POL601, POL602 or POL603, this machine cannot tell.
    """
    nft = find("nft")
    with ScratchNamespace() as namespace:
        add_devices(namespace, _devices(source.text))
        # The one interface that there is has to be there to be named.
        namespace.run([find("ip"), "link", "set", "lo", "up"])
        beside = str(Path(source.path).absolute().parent)
        load = namespace.run([find("env"), "TZ=UTC", nft, "-I", beside, "-f", "-"], input=source.text, timeout=_LONGEST)
        if load.returncode != 0:
            raise Failure(_problems(source, load.stderr))
        listed = _list(namespace, "-j")
        document: Json = json.loads(listed)
        complete(document, _list(namespace))
    found = items(document.get("nftables")) if isinstance(document, dict) else []
    lines = ",\n".join(compact(one) for one in found)
    return SourceFile(f"{source.path} as nft lists it", f'{{"nftables": [\n{lines}\n]}}\n')


def _list(namespace: Namespace, *options: str) -> str:
    command = [find("env"), "TZ=UTC", find("nft"), *options, "list", "ruleset"]
    done = namespace.run(command, timeout=_LONGEST)
    if done.returncode != 0:
        raise Failure.of("POL603", f"nft cannot list what it has loaded: {done.stderr.strip()}")
    return done.stdout


def _devices(text: str) -> list[str]:
    """The interfaces that have to be there, for their numbers or for chains of theirs. Too many do no harm."""
    found = [one["name"] for pattern in _NAMED for one in pattern.finditer(text)]
    for one in _LISTED.finditer(text):
        found += (part.partition(":")[0].strip().strip('"') for part in one["names"].split(","))
    return [name for name in dict.fromkeys(found) if re.fullmatch(r"[A-Za-z][\w.-]{0,14}", name)]


def _problems(source: SourceFile, words: str) -> list[Diagnostic]:
    """nft's errors, each at its place. Where the text itself is not at fault, all points to its beginning."""
    found = []
    for one in _ERROR.finditer(words):
        message = f"nft does not take this: {_lowercase(one['words'])}"
        if one["file"] != _STDIN:
            message += f", in `{one['file']}`, line {one['line']}"
        span = _span(source, one) if one["file"] == _STDIN else source.whole()
        found.append(Diagnostic("POL536", message, (Label(span),)))
    if not found:
        reason = words.strip().partition("\n")[0].removeprefix("Error: ") or "it does not say why"
        found.append(Diagnostic("POL536", f"nft does not take this: {_lowercase(reason)}", (Label(source.whole()),)))
    return found


def _lowercase(words: str) -> str:
    return words[:1].lower() + words[1:]


def _span(source: SourceFile, error: re.Match[str]) -> Span:
    """nft counts columns in bytes, from 1."""
    number = min(int(error["line"]), len(source.line_starts))
    line = source.line(number).encode()
    first, last = (
        len(line[: int(error[end]) - less].decode("utf-8", "ignore")) for end, less in (("first", 1), ("last", 0))
    )
    start = source.line_starts[number - 1]
    return source.span(start + first, start + max(last, first + 1))
