"""Whether nft's listings lose what ``polc.backends.nft.losses`` says of its version."""

from __future__ import annotations

from collections.abc import Iterator

from polc.backends.nft.losses import LOSSES, Loss, measured
from versions.inside import Inside

_SCRIPT = "nft flush ruleset && nft -f - && nft {option} list ruleset"


def mistakes(inside: Inside, version: str) -> Iterator[str]:
    """What is otherwise on the version of nft inside than the table of losses says, a sentence each."""
    known = measured(version)
    for loss in LOSSES:
        text, json = (_listed(inside, loss, option) for option in ("", "-j"))
        if loss.text and loss.text not in text:
            yield f"{loss.name}: nft lists no `{loss.text}`: {text}"
        elif (loss.json not in json) != (known in loss.of):
            yield f"{loss.name}: the listing {'has' if loss.json in json else 'lacks'} `{loss.json}`: {json}"


def _listed(inside: Inside, loss: Loss, option: str) -> str:
    script = _SCRIPT.format(option=option)
    done = inside.run("unshare", "--net", "sh", "-c", script, input=loss.example)
    words: str = done.stdout if done.returncode == 0 else done.stderr
    return words
