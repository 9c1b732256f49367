"""Steps of a scenario as JSON: the words of a packet as keys.

``{"protocol": "tcp", "source": "198.51.100.9:4000", "destination": "host:22", "in": "eth0", "flags": ["syn"]}``,
``{"reply": true}``, ``{"wait": "100s"}``; a list of them, or one a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.parsing.parser import Parser
from polc.simulate.packet_format import LISTS
from polc.simulate.packet_text import Draft, read_step
from polc.source import SourceFile, Span

_OPTIONS = Parser("packet")


@dataclass(frozen=True, slots=True)
class _Object:
    values: dict[str, object]
    span: Span

    def wrong(self, message: str, help: str = "") -> Failure:
        return Failure.of("POL061", message, self.span, help=help)


def read_json_steps(source: SourceFile) -> Iterator[Draft]:
    """The steps of a text that is a list of objects, or objects behind one another.

    Raises:
        Failure: POL061.
    """
    decoder = json.JSONDecoder()
    text, at = source.text, 0
    listed = text.lstrip()[:1] == "["
    if listed:
        at = text.index("[") + 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or (listed and text[at] == "]"):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            place = error.pos if isinstance(error, json.JSONDecodeError) else at
            reason = error.msg.lower() if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
            raise Failure.of("POL061", f"this is no JSON: {reason}", source.span(place, place + 1)) from None
        yield read_json_step(value, source.span(at, end))
        at = end


def read_json_step(value: object, span: Span) -> Draft:
    """One step.

    Raises:
        Failure: POL061.
    """
    if not isinstance(value, dict):
        raise Failure.of("POL061", "a step is an object", span, help='as in {"reply": true}')
    text = _step_text(_Object(value, span))
    # All of it is one place: what a key means stands where the object does.
    return read_step(text, lambda start, end: span)


def _step_text(step: _Object) -> str:
    values = dict(step.values)
    if "wait" in values:
        if len(values) > 1:
            raise step.wrong("a step with `wait` has nothing else")
        return f"wait {_word(step, 'wait', values['wait'])}"
    if "reply" in values:
        if values.pop("reply") is not True:
            raise step.wrong("`reply` is true")
        words = ["reply"]
        if "protocol" in values:
            words.append(_word(step, "protocol", values.pop("protocol")))
        return " ".join([*words, *_options(step, values)])
    return _packet_text(step)


def _packet_text(step: _Object) -> str:
    values = dict(step.values)
    words = []
    for key in ("protocol", "source", "destination"):
        if key not in values:
            raise step.wrong(f"a packet has `{key}`", "a step is a packet, a `reply` or a `wait`")
        words.append(_word(step, key, values.pop(key)))
    about = values.pop("about", None)
    text = " ".join([words[0], words[1], "->", words[2], *_options(step, values)])
    if about is None:
        return text
    if not isinstance(about, dict):
        raise step.wrong("`about` is a packet")
    return f"{text} about {_packet_text(_Object(about, step.span))}"


def _options(step: _Object, values: dict[str, object]) -> Iterator[str]:
    for key, value in values.items():
        if key not in _OPTIONS.keywords or key in ("about", "via", "group", "mtu"):
            raise step.wrong(f"a packet has no `{key}`")
        if value is True:
            yield key
        elif value is False or value is None:
            continue
        elif isinstance(value, list):
            if key not in LISTS:
                raise step.wrong(f"`{key}` has one value")
            joint = " -> " if key == "ct-original" else ","
            yield f"{key} {joint.join(_word(step, key, one) for one in value)}"
        else:
            yield f"{key} {_word(step, key, value)}"


def _word(step: _Object, key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise step.wrong(f"`{key}` is a text or a number")
    text = str(value)
    if key in ("payload", "os") or not text or any(one in text for one in ' \t\r\n,"'):
        escaped = "".join(
            f"\\x{ord(one):02x}" if ord(one) < 256 and not (one.isascii() and one.isalnum()) else one for one in text
        )
        return f'"{escaped}"'
    return text
