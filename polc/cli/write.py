"""Output files are whole or not there: written beside their place and renamed into it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from polc.backends.model import OutputFile
from polc.diagnostics import Failure


def write_files(where: str, files: tuple[OutputFile, ...]) -> None:
    """Write ``files`` into the directory ``where``; one single file also to the path ``where`` itself.

    A path that ends in ``/``, or is a directory already, is a directory. None of the files is replaced
    before all of them have reached the disk. A link stays one; to a device or pipe is written as it is.

    Raises:
        Failure: POL051, and then no file has been replaced, unless renaming itself failed half-way.
    """
    root = Path(where)
    as_directory = len(files) > 1 or where.endswith("/") or root.is_dir()
    staged: list[tuple[Path, Path]] = []
    place = root
    try:
        (root if as_directory else root.parent).mkdir(parents=True, exist_ok=True)
        for one in files:
            place = root / one.name if as_directory else root
            if place.exists() and not place.is_file() and not place.is_dir():
                place.write_text(one.text, encoding="utf-8")
                continue
            real = Path(os.path.realpath(place))
            staged.append((_stage(real, one.text), real))
        for temporary, place in staged:
            temporary.replace(place)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure.of("POL051", f"cannot write the output: {reason}", path=str(place)) from None
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()


def _stage(place: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{place.name[:64]}.", dir=place.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        # mkstemp makes 0600: firewall rules keep that, unless an older file there was more open or another's.
        with suppress(FileNotFoundError):
            old = place.stat()
            with suppress(PermissionError):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), old.st_mode & 0o777)
    return Path(name)
