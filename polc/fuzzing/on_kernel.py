"""One host with rules on it: loaded once, read back, and sent packets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from polc.backends.model import Output
from polc.diagnostics import Failure
from polc.ir.ruleset import Ruleset
from polc.kernel import meaning
from polc.kernel.loaders import Loader
from polc.kernel.stage.stage import Stage
from polc.kernel.verify import compared
from polc.probing.certify import flavour_of
from polc.probing.model import Scene
from polc.probing.play import Played, pause_for, played
from polc.simulate.hooks import Loaded

LACKING = frozenset({"POL601", "POL602", "POL610"})
"""What says that a machine has no stage to give, and not that rules are wrong."""


@dataclass(frozen=True, slots=True)
class Sent:
    """``differences`` of what was read back, a sentence each."""

    differences: tuple[str, ...]
    played: tuple[Played, ...]


class Read(Enum):
    """How what the kernel holds is compared: not at all, by words and meaning, or by its meaning alone, since the words
    are somebody's own.
    """

    NOT = "not"
    WORDS = "words"
    MEANING = "meaning"


def sent(scene: Scene, ruleset: Ruleset, loader: Loader, output: Output, read: Read) -> Sent:
    """Load an output on the scene's host, and send all packets.

    Raises:
        Failure: POL601 to POL603, POL610: this machine, or this loader, cannot do it.
    """
    packets = [packet for probe in scene.probes for packet in probe.packets]
    with Stage(scene.host) as stage:
        stage.join(packets)
        stage.load(loader, output)
        differences = tuple(_differences(stage, loader, output, read))
        stage.furnish(loader, (ruleset,), scene.fillings)
        fates = stage.put_all(packets, pause_for((ruleset,)))
    return Sent(differences, tuple(played(scene, [Loaded(ruleset, flavour_of(loader))], fates)))


def _differences(stage: Stage, loader: Loader, output: Output, read: Read) -> Iterator[str]:
    if read is Read.NOT:
        return
    listed = loader.read_back(stage.namespace, output)
    if read is Read.WORDS:
        yield from (f"{one.file}: {one.message}" for one in compared(loader, output, listed).differences)
        return
    # What cannot be read has no meaning to compare.
    with suppress(Failure):
        yield from meaning.differences(loader.target, output.files, listed)
