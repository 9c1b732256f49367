"""Whether other Pythons, with other versions of what polc depends on, compile to the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from versions.generations import cache
from versions.inside import Inside
from versions.outputs import ROOT

VERSIONS = ("3.11", "3.12", "3.13")
"""Those that polc promises."""

_SCRIPT = Path(__file__).parent / "outputs.py"
_LIBRARIES = ("lark", "jsonschema", "PyYAML")


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a Python made of all policies: name of an output -> digest; ``problem`` where it could not."""

    where: str
    version: str
    digests: Mapping[str, str]
    problem: str = ""


def here(version: str) -> Compiled | None:
    """By a Python of this machine, with dependencies of its own from PyPI; None where there is no such Python."""
    interpreter = next((one for one in _interpreters(version) if _is(one, version)), None)
    if interpreter is None:
        return None
    place = cache() / f"python-{version}"
    python = place / "bin" / "python"
    try:
        if not _is(str(python), version) or _run([str(python), "-c", "import lark, jsonschema, yaml"]).returncode != 0:
            _must([interpreter, "-m", "venv", "--clear", str(place)])
            _must([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_LIBRARIES])
    except OSError as error:
        return Compiled("PyPI", version, {}, str(error))
    done = _run([str(python), str(_SCRIPT)], PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    return _compiled("PyPI", done)


def inside(suite: str, root: Inside, shared: Path) -> Compiled:
    """By the Python of a root, with Debian's own versions of the dependencies."""
    assert root.root is not None
    place = root.shared / "checkout"
    (shared / "checkout").mkdir()
    for name in ("polc", "grammar", "schemas", "tests", "examples"):
        (shared / "checkout" / name).mkdir()
        # By its path in the root: that is a mount of its own, which does not see what is mounted outside.
        bound = root.namespace.run(["mount", "--bind", str(ROOT / name), f"{root.root}{place / name}"])
        if bound.returncode != 0:
            return Compiled(suite, "", {}, bound.stderr.strip())
    environment = [f"PYTHONPATH={place}", "PYTHONDONTWRITEBYTECODE=1"]
    return _compiled(suite, root.run("env", *environment, "python3", str(place / _SCRIPT.relative_to(ROOT))))


def unlike(one: Compiled, other: Compiled) -> tuple[str, ...]:
    """The outputs that are not the same, or are on one side alone."""
    names = dict.fromkeys((*one.digests, *other.digests))
    return tuple(name for name in names if one.digests.get(name) != other.digests.get(name))


def _compiled(where: str, done: subprocess.CompletedProcess[str]) -> Compiled:
    if done.returncode != 0:
        return Compiled(where, "", {}, done.stderr.strip().rpartition("\n")[2])
    found = json.loads(done.stdout)
    return Compiled(where, found["python"], found["digests"])


def _interpreters(version: str) -> Iterator[str]:
    yield f"python{version}"
    for place in (Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions", *_uv()):
        yield from (str(one) for one in sorted(place.glob(f"*{version}*/bin/python{version}")))


def _uv() -> tuple[Path, ...]:
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return (data / "uv" / "python",)


def _is(interpreter: str, version: str) -> bool:
    """Whether it runs, and is of that version: a shim of pyenv need not."""
    try:
        done = _run([interpreter, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"])
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def _run(argv: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **variables})


def _must(argv: list[str]) -> None:
    done = _run(argv)
    if done.returncode != 0:
        raise OSError(f"`{' '.join(argv)}` failed: {done.stderr.strip().rpartition(chr(10))[2]}")
