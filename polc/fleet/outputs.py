"""The folder of all hosts' files: which of them are other than on the disk, and which nobody writes any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from polc.backends.model import OutputFile


def changed(folder: Path, files: Collection[OutputFile]) -> tuple[OutputFile, ...]:
    """Those of the files that ``folder`` does not hold byte by byte."""
    return tuple(one for one in files if not _holds(folder / one.name, one.text.encode()))


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def stale(root: Path, written: Mapping[str, Collection[str]]) -> list[Path]:
    """What is in ``root`` beside the files of each host: folders of hosts that there are no more, and files of hosts
    that are written for another target. Hidden files are others' and left alone.

    ``written`` are names of files by hosts; a host with none could not be compiled, and its old files are not stale.
    """
    if not root.is_dir():
        return []
    found: list[Path] = []
    for folder in sorted(root.iterdir()):
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        if folder.name not in written:
            found.append(folder)
        elif written[folder.name]:
            found += [
                one
                for one in sorted(folder.iterdir())
                if not one.name.startswith(".") and one.name not in written[folder.name]
            ]
    return found
