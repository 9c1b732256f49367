"""Load what was compiled in scratch namespaces, read it back, and compare it with what was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polc.backends.model import Output, OutputFile
from polc.diagnostics import Diagnostic, Failure
from polc.kernel import meaning
from polc.kernel.devices import add_devices
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import ScratchNamespace


@dataclass(frozen=True, slots=True)
class Difference:
    """A sentence on how what the kernel holds differs from the output file ``file``."""

    file: str
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one loader.

    ``problems`` say why it could not be loaded and read back (a tool or permission is missing, the kernel
    refused); then nothing is known of differences.
    """

    loader: str
    target: str
    files: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    unread: str = ""
    """Why words were compared and meanings were not; empty: both were."""

    @property
    def verified(self) -> bool:
        return not self.differences and not self.problems


def verify(
    outputs: Mapping[str, Output], devices: Sequence[str] = (), loaders: Sequence[Loader] = LOADERS
) -> tuple[Result, ...]:
    """Verify each output (by target, in its default format) with every loader of the target.

    Each loader has a fresh namespace of its own, with interfaces of the names ``devices``. A loader that cannot work
    here does not keep the others from it.
    """
    return tuple(_one(loader, outputs[loader.target], devices) for loader in loaders if loader.target in outputs)


def exit_status(results: tuple[Result, ...]) -> int:
    """0: all verified; 1: something loaded differs; 3: this machine could not do all of it."""
    if any(result.differences for result in results):
        return 1
    return 3 if any(result.problems for result in results) else 0


def _one(loader: Loader, output: Output, devices: Sequence[str]) -> Result:
    files = tuple(file.name for file in output.files)
    try:
        loader.check()
        with ScratchNamespace() as namespace:
            add_devices(namespace, devices)
            loader.load(namespace, output)
            listed = loader.read_back(namespace, output)
    except Failure as failure:
        return Result(loader.name, loader.target, files, problems=failure.diagnostics)
    return compared(loader, output, listed)


def compared(loader: Loader, output: Output, listed: Sequence[OutputFile]) -> Result:
    """What was read back beside what was loaded."""
    files = tuple(file.name for file in output.files)
    differences = tuple(
        Difference(emitted.name, message)
        for emitted, seen in zip(output.files, listed, strict=True)
        for message in loader.differences(emitted.text, seen.text)
    )
    try:
        found = meaning.differences(loader.target, output.files, listed)
    except Failure as failure:
        return Result(loader.name, loader.target, files, differences, unread=failure.diagnostics[0].message)
    # What differs in its words is told by them.
    meant = tuple(Difference(files[-1], message) for message in found) if not differences else ()
    return Result(loader.name, loader.target, files, differences + meant)
