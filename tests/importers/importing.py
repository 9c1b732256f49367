"""Reading iptables in tests."""

from __future__ import annotations

from polc.diagnostics import Collector, Diagnostic, Failure, Severity
from polc.importers.iptables.read import Input, Kind, kind_of, read
from polc.ir.family import Family
from polc.ir.ruleset import Rule, Ruleset
from polc.source import SourceFile


def import_all(*texts: str, family: Family = Family.IP) -> tuple[tuple[Ruleset, ...], list[Diagnostic]]:
    """The rulesets of files together, and notes and warnings about them. Restore files are of ``family``."""
    collector = Collector()
    inputs = [Input(SourceFile("rules", text), kind_of(text) or Kind.RESTORE, family) for text in texts]
    return read(inputs, collector), collector.in_order()


def import_both(ip: str, ip6: str, *sets: str) -> tuple[tuple[Ruleset, ...], list[Diagnostic]]:
    """Restore files of both families, and ipset files."""
    collector = Collector()
    inputs = [
        Input(SourceFile("rules.v4", ip), Kind.RESTORE, Family.IP),
        Input(SourceFile("rules.v6", ip6), Kind.RESTORE, Family.IP6),
        *(Input(SourceFile("sets.ipset", text), Kind.IPSET) for text in sets),
    ]
    return read(inputs, collector), collector.in_order()


def ruleset(*texts: str, family: Family = Family.IP) -> Ruleset:
    """The one ruleset of files in which nothing is worth a word."""
    (found,), notes = import_all(*texts, family=family)
    assert not notes, notes
    return found


def table(*lines: str, name: str = "filter", chains: str = "") -> str:
    """A restore file of one table; ``chains`` are names of chains of one's own."""
    declared = [f":{chain} - [0:0]" for chain in chains.split()]
    return "\n".join([f"*{name}", *declared, *lines, "COMMIT"]) + "\n"


def rules(
    *lines: str, name: str = "filter", chains: str = "", family: Family = Family.IP, chain: str = ""
) -> tuple[Rule, ...]:
    """The rules of the first chain that has some, or of ``chain``."""
    found = ruleset(table(*lines, name=name, chains=chains), family=family)
    return next(one.rules for one in found.chains if (one.name == chain if chain else one.rules))


def errors(*texts: str, family: Family = Family.IP) -> tuple[Diagnostic, ...]:
    """What is wrong with files."""
    try:
        found, _ = import_all(*texts, family=family)
    except Failure as failure:
        return tuple(one for one in failure.diagnostics if one.severity is Severity.ERROR)
    raise AssertionError(f"accepted: {found}")


def error(*lines: str, name: str = "filter", chains: str = "", family: Family = Family.IP) -> Diagnostic:
    """The one thing that is wrong with the rules of a table."""
    (found,) = errors(table(*lines, name=name, chains=chains), family=family)
    return found
