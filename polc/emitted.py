"""Files of a target, as they are emitted, to the rulesets that they mean: through importers, which share no code with
what wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence

from polc.backends.iptables import ipsets
from polc.backends.model import OutputFile
from polc.diagnostics import Collector
from polc.importers.iptables.read import Input, Kind
from polc.importers.iptables.read import read as read_iptables
from polc.importers.nft_json import read_nft_json
from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.source import SourceFile

_FAMILIES = {"rules.v4": Family.IP, "rules.v6": Family.IP6}


def read_emitted(target: str, files: Sequence[OutputFile], table: str = "polc") -> tuple[Ruleset, ...]:
    """The rulesets of files that are written for a target, a key of ``BACKENDS``: of nft JSON, of iptables files for
    ``*-restore`` and ``ipset``. ``table`` is what a ruleset is called that has no name in the files.

    Raises:
        Failure: the files have words that importers refuse, such as those of native rules.
    """
    if target == "nft":
        (file,) = files
        return read_nft_json(SourceFile(file.name, file.text), Collector())
    inputs = [
        Input(SourceFile(one.name, one.text), _kind(one.name), _FAMILIES.get(one.name, Family.IP))
        for one in files
        if one.name in (ipsets.FILE, *_FAMILIES)
    ]
    return read_iptables(inputs, Collector(), table)


def _kind(name: str) -> Kind:
    return Kind.IPSET if name == ipsets.FILE else Kind.RESTORE
