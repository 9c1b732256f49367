"""A finding as files: the firewall, its packets, and the commands that show it again."""

from __future__ import annotations

import shlex
from pathlib import Path

from polc.diagnostics import Failure
from polc.fuzzing.case import Case
from polc.fuzzing.model import Check
from polc.fuzzing.run import Found, Order
from polc.kernel.loaders import LOADERS
from polc.probing import files
from polc.probing.model import Plan

PROBES, REPLAY = "probes.json", "replay.txt"
_VERIFIED = (Check.KERNEL, Check.LOAD, Check.READ_BACK)
"""What ``polc verify`` sees too."""


def write(found: Found, order: Order, directory: str) -> Path:
    """Write a directory of its own below ``directory``, and return it.

    Raises:
        Failure: POL051.
    """
    at = Path(directory) / f"{order.seed}-{found.number}-{found.finding.check.name.lower().replace('_', '-')}"
    name, number = at.name, 1
    while at.exists():
        number += 1
        at = at.with_name(f"{name}.{number}")
    try:
        at.mkdir(parents=True)
        (at / found.least.kind.value).write_text(found.least.text)
        (at / REPLAY).write_text(f"{found.finding}\n\n" + "".join(f"{one}\n" for one in commands(found, order, at)))
    except OSError as error:
        raise Failure.of("POL051", f"cannot write {at}: {(error.strerror or 'error').lower()}") from None
    if found.finding.scene is not None:
        files.write(Plan((found.finding.scene,), (), frozenset()), str(at / PROBES))
    return at


def commands(found: Found, order: Order, at: Path) -> list[str]:
    """The least case by ``polc verify``, where that looks at it, and the whole one by its seed and number."""
    lines = [again(found, order)]
    if found.finding.check in _VERIFIED:
        lines.insert(0, _verify(found.least, found, at))
    return lines


def again(found: Found, order: Order) -> str:
    """The command that judges the whole case once more."""
    words = ["polc", "fuzz", "--seed", str(order.seed), "--first", str(found.number), "--cases", "1"]
    words += ["--packets", str(order.asked.packets)]
    words += [word for loader in order.asked.loaders for word in ("--loader", loader.name)]
    words += [word for one in order.among for word in ("--of", one)]
    return shlex.join(words)


def _verify(case: Case, found: Found, at: Path) -> str:
    target = next(one.target for one in LOADERS if one.name == found.finding.where)
    words = ["polc", "verify", str(at / case.kind.value)]
    words += ["--probes", str(at / PROBES)] if found.finding.scene is not None else ["--no-packets"]
    words += ["--target", target, "--loader", found.finding.where]
    # Ipsets are nothing to nft.
    options = [case.options[at : at + 2] for at in range(0, len(case.options), 2)]
    words += [word for pair in options if target == "iptables" or pair[0] != "--ipset" for word in pair]
    return shlex.join(words)
