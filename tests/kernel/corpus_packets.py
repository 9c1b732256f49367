"""Packets about every rule of a real ruleset: the original in iptables-legacy, what polc makes of it in nft, and the
simulator. ``python tests/kernel/corpus_packets.py`` prints the table for all files.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from corpus import CORPUS, saved

from polc.backends.model import Fidelity, Options, Output, OutputFile
from polc.compiler import produce
from polc.diagnostics import Collector
from polc.importers.iptables.read import Input, Kind, read
from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import IptablesLoader, Loader, NftLoader
from polc.passes import pipeline
from polc.probing.make import plan
from polc.probing.model import Plan
from polc.probing.play import Played, pause_for, played, send
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from polc.simulate.packet_format import format_packet
from polc.simulate.settings import Flavour
from polc.source import SourceFile


@dataclass
class Row:
    """What came of a file. ``refused``: rules that nft has no form for; then it was asked for nothing."""

    name: str
    rules: int = 0
    met: int = 0
    packets: int = 0
    refused: int = 0
    different: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        nft = f"{self.refused} refused" if self.refused else "translated"
        return (
            f"{self.name:52} {self.rules:6} {self.met:6} {self.packets:7} {nft:>11} {len(self.different):5}"
            f" {self.seconds:6.1f}"
        )


def judged(path: Path, wish: Wish) -> Row:
    begun = time.monotonic()
    six = ".v6." in path.name
    text = path.read_text()
    source = SourceFile(path.name, text)
    (ruleset,) = read([Input(source, Kind.RESTORE, Family.IP6 if six else Family.IP)], Collector())
    ruleset = pipeline.run(ruleset)
    translated = produce(ruleset, "nft", Options("json"))
    refused = sum(one.fidelity is Fidelity.REFUSED for one in translated.deviations)
    original = Output((OutputFile("rules.v6" if six else "rules.v4", text),))
    loads: list[tuple[Loader, Output, Flavour]] = [(IptablesLoader("legacy"), original, Flavour.IPTABLES)]
    if not refused:
        loads.append((NftLoader(), translated, Flavour.NFT))
    made = plan((Loaded(ruleset, Flavour.IPTABLES),), wish=wish)
    row = Row(path.name, *_lines(ruleset, made), made.packets, refused)
    for scene in made.scenes:
        for loader, output, flavour in loads:
            fates = send(scene, loader, output, pause=pause_for((ruleset,)))
            found = played(scene, (Loaded(ruleset, flavour),), fates)
            row.different += [_words(loader.name, one) for one in found if not one.agrees]
            if flavour is Flavour.NFT:
                # What iptables would do with packets at those moments: limits depend on when each was sent.
                others = played(scene, (Loaded(ruleset, Flavour.IPTABLES),), fates)
                row.different += [
                    _words("nft, and not iptables", other)
                    for one, other in zip(found, others, strict=True)
                    if one.agrees and not other.agrees and other.seen.verdict != other.expected.verdict
                ]
    row.unreached = [f"{_line(one.rule.origin.span)}: {one.reason}" for one in made.unreached]
    row.seconds = time.monotonic() - begun
    return row


def _lines(ruleset: Ruleset, made: Plan) -> tuple[int, int]:
    """Lines of the file that packets may come to, and those that they met."""
    of = {
        (chain.name, number): _line(rule.origin.span)
        for chain in ruleset.chains
        for number, rule in enumerate(chain.rules)
    }
    return len({of[one] for one in made.rules}), len({of[one] for one in made.met})


def _line(span: object) -> str:
    return str(getattr(span, "line", "?"))


def _words(judge: str, one: Played) -> str:
    decision = one.outcome.decision
    by = _line(decision.origin.span) if decision else "nobody"
    return f"{judge}: {format_packet(one.packet)} ({one.probe.about}): {one.expected} by {by}, seen: {one.seen}"


def main() -> int:
    parser = argparse.ArgumentParser(description="packets about every rule of the corpus, on two loaders")
    parser.add_argument("--packets", type=int, help="about so many for a file at most; all probes without it")
    parser.add_argument("--least", type=int, default=200, help="packets for a file at least (200)")
    parser.add_argument("--scenes", type=int, default=8, help="hosts for a file at most (8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="files side by side (2)")
    parser.add_argument("-v", "--verbose", action="store_true", help="also rules that nothing reaches, and why")
    parser.add_argument("names", nargs="*", help="only files that have one of these in their names")
    arguments = parser.parse_args()
    files = [one for one in saved() if not arguments.names or any(name in one.name for name in arguments.names)]
    if not files:
        parser.error(f"no such file at {CORPUS}; POLC_CORPUS names another place")
    wish = Wish(packets=arguments.packets, least=arguments.least, scenes=arguments.scenes, seed=arguments.seed)
    total = Row("all")
    print(f"{'file':52} {'rules':>6} {'met':>6} {'packets':>7} {'nft':>11} {'wrong':>5} {'s':>6}")
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(judged, files, [wish] * len(files)):
            print(row, flush=True)
            for one in row.different[:10]:
                print(f"    {one}")
            for one in row.unreached if arguments.verbose else ():
                print(f"    not reached: {one}")
            total.rules += row.rules
            total.met += row.met
            total.packets += row.packets
            total.refused += row.refused > 0
            total.different += row.different
            total.seconds += row.seconds
    print(str(total).replace(f"{total.refused} refused", f"{len(files) - total.refused} files"))
    return 1 if total.different else 0


if __name__ == "__main__":
    sys.exit(main())
