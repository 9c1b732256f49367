"""``scripts/versions``: build what is missing, try everything, say what came of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from polc.backends.profile import Profile
from versions import generations, inside, known_losses, pythons, trials
from versions.generations import GENERATIONS, Generation, NotBuiltError
from versions.outputs import POLICIES, digests
from versions.report import PythonRow, Report, Row, tables, write
from versions.ways import WAYS


def main() -> int:
    options = _options()
    if os.geteuid() != 0:
        print("error: debootstrap and chroot need root", file=sys.stderr)
        return 3
    wanted = [one for one in GENERATIONS if not options.only or one.suite in options.only]
    report = Report()
    made: list[pythons.Compiled] = []
    for generation in wanted:
        report.rows += _generation(generation, options.rebuild, made)
    if not options.only:
        made += _own_pythons()
    report.pythons += _compared(made)
    print(tables(report))
    for problem in report.problems():
        print(problem)
    if options.write:
        write(report)
    return 0 if report.sound else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/versions",
        description="load every golden and example with the tools of several generations of Debian",
        epilog="exit status: 0 all is as it should be, 1 something is not, or was not built, 2 usage, 3 not root",
    )
    suites = [one.suite for one in GENERATIONS]
    parser.add_argument("--only", action="append", choices=suites, metavar="SUITE", help=f"one of {', '.join(suites)}")
    parser.add_argument("--rebuild", action="store_true", help="build the root file systems anew")
    parser.add_argument("--write", action="store_true", help="put the result into docs/versions.md")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write wants all of them, so not --only")
    return options


def _generation(generation: Generation, rebuild: bool, made: list[pythons.Compiled]) -> Iterator[Row]:
    """A row for each profile."""
    try:
        _say(f"{generation.suite}: root file system")
        place = generations.root(generation, anew=rebuild)
        before: list[Row] = []
        for profile in generation.profiles:
            row = _profile(generation.suite, place, profile, before, made)
            before.append(row)
            yield row
    except NotBuiltError as error:
        yield Row(generation.suite, generation.profile.name, missing=str(error))


def _profile(suite: str, place: Path, profile: Profile, before: Sequence[Row], made: list[pythons.Compiled]) -> Row:
    every = trials.trials(POLICIES, WAYS, profile)
    for row in before:
        if [result.trial for result in row.results] == every:
            # Outputs that the profile makes no difference to are not tried again.
            return replace(row, profile=profile.name)
    row = Row(suite, profile.name)
    with TemporaryDirectory(prefix="polc-versions-") as directory:
        shared = Path(directory)
        trials.prepare(every, shared, profile)
        with inside.entered(place, shared) as entered:
            row.tools |= inside.tools(entered)
            _say(f"{suite}: {len(every)} outputs for {profile.name}")
            trials.run(every, entered)
            if not before:
                row.losses = tuple(known_losses.mistakes(entered, row.tools["nft"]))
                if _new_enough(row.tools["Python"]):
                    made.append(pythons.inside(suite, entered, shared))
        row.results += (trials.judge(one, shared) for one in every)
    return row


def _new_enough(version: str) -> bool:
    return tuple(map(int, version.split("."))) >= (3, 11)


def _own_pythons() -> list[pythons.Compiled]:
    found = []
    for version in pythons.VERSIONS:
        _say(f"Python {version}")
        found.append(pythons.here(version) or pythons.Compiled("none here", version, {}, "no such Python here"))
    return found


def _compared(made: list[pythons.Compiled]) -> list[PythonRow]:
    mine = pythons.Compiled("", "", dict(digests()))
    rows = []
    for one in made:
        if one.problem:
            rows.append(PythonRow(one.version, one.where, 0, 0, one.problem))
            continue
        unlike = pythons.unlike(one, mine)
        problem = f"other bytes: {', '.join(unlike)}" if unlike else ""
        rows.append(PythonRow(one.version, one.where, len(mine.digests) - len(unlike), len(mine.digests), problem))
    return rows


def _say(words: str) -> None:
    print(f"== {words}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
