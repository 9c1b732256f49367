"""The process that libFuzzer runs in: polc with counters in its bytecode, and an end to its memory."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import resource
import sys
import traceback
from pathlib import Path

MOST_MEMORY = 3 << 30
"""Bytes of address space."""


def main() -> None:
    reader, *rest = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    if any(one.startswith("-") for one in rest):
        _fuzz(reader, rest)
    else:
        _once(reader, rest)


def _once(reader: str, paths: list[str]) -> None:
    from fuzzing.readers import READERS

    for path in paths:
        READERS[reader].run(Path(path).read_bytes())


def _fuzz(reader: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["polc"], enable_loader_override=False):
        import polc

        # What is imported late is imported here, or it would not be counted.
        for one in pkgutil.walk_packages(polc.__path__, "polc."):
            if not one.name.endswith("__main__"):
                importlib.import_module(one.name)
        from fuzzing.readers import READERS
    run = READERS[reader].run
    found = Path(next(one for one in arguments if one.startswith("-artifact_prefix=")).partition("=")[2])
    seen = {path.name.partition("-")[2].rpartition("-")[0] for path in found.glob("crash-*")}

    def one_input(data: bytes) -> None:
        try:
            run(data)
        except Exception as error:
            place = _place(error)
            if place not in seen:
                seen.add(place)
                name = f"crash-{place}-{hashlib.sha256(data).hexdigest()[:8]}"
                (found / name).write_bytes(data)
                (found / f"trace-{name}").write_text("".join(traceback.format_exception(error)))

    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


def _place(error: BaseException) -> str:
    """Where in polc it comes from, as one word."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/polc/" in frame.filename]
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__}-{last.filename.rpartition('/polc/')[2].replace('/', '.')}-{last.lineno}"


if __name__ == "__main__":
    main()
