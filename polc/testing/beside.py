"""Files of tests beside policies."""

from __future__ import annotations

from pathlib import Path

_ENDINGS = (".tests.yaml", ".tests.yml", ".tests.json")


def beside(path: str) -> tuple[str, ...]:
    """The file of tests beside a policy: ``policy.tests.yaml`` of ``policy.yaml``, where there is one."""
    if path == "-":
        return ()
    there = (Path(path).with_suffix(ending) for ending in _ENDINGS)
    return tuple(str(one) for one in there if one.is_file())
