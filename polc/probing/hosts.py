"""Hosts for the scenes of a plan, kept as long as they are used: building one takes longer than sending its packets."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from polc.kernel.stage.stage import Stage
from polc.probing.model import Scene
from polc.simulate.settings import Settings

_AT_ONCE = 2
"""Hosts that are built side by side."""


class Hosts:
    """A stage for each scene, for a ``with`` statement.

    Several loaders may have their turns on them: those of nft's tables first, legacy iptables last (``Stage.clear``).
    """

    def __init__(self, scenes: Sequence[Scene], settings: Settings | None = None) -> None:
        self.scenes = scenes
        self._settings = settings
        self._stages: list[Future[Stage]] = []

    def __enter__(self) -> Hosts:
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._stages = [self._pool.submit(self._built, scene) for scene in self.scenes]
        return self

    def stage(self, number: int) -> Stage:
        """The host of a scene, with nothing loaded.

        Raises:
            Failure: POL601 to POL603, POL610: this machine has none to give.
        """
        stage = self._stages[number].result()
        stage.clear()
        return stage

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        built = [one for one in self._stages if not one.cancel()]
        for one in built:
            if one.exception() is None:
                self._pool.submit(one.result().__exit__, None, None, None)
        self._pool.shutdown()

    def _built(self, scene: Scene) -> Stage:
        stage = Stage(scene.host, self._settings).__enter__()
        stage.join(scene.packets)
        return stage
