"""One output on one way into the kernel of one generation: what is tried, and what came of it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from polc.backends.model import Output, OutputFile
from polc.backends.profile import Profile
from polc.backends.registry import BACKENDS
from versions.inside import Inside
from versions.outputs import compiled
from versions.ways import TEXT, TEXT_WAY, Way, differences

PARTS = 10
"""A broken output is one that is cut at a tenth of its length, at two tenths, and so on."""

CHECKS = {
    "loaded": "its tools take the output",
    "equal": "the listing is what was meant, and the same for nft text and JSON",
    "again": "loading it a second time changes nothing",
    "cut": "cut at each tenth of its length, it changes nothing that is there",
}
"""In their order; the later ones are tried only when the first is fine."""


@dataclass(frozen=True, slots=True)
class Trial:
    """``listed`` is the output in the target's default format, which listings are compared with."""

    policy: str
    way: Way
    output: Output
    listed: Output

    @property
    def place(self) -> str:
        return _place(self.policy, self.way)


@dataclass(frozen=True, slots=True)
class Result:
    """``problems``: check -> sentences; a check that is not there is fine."""

    trial: Trial
    problems: dict[str, tuple[str, ...]]


_STANDING = """
polc: 1
raw: {prerouting: [drop tcp/7]}
mangle: {prerouting: [mark set 7 tcp/7], forward: [mark set 7 tcp/7]}
nat: [redirect tcp/7 -> :8]
input: {default: drop, rules: [accept tcp/7]}
forward: {default: drop, rules: [accept tcp/7]}
output: {default: accept}
"""
"""What is there when a broken output is loaded: rules in every table that polc writes."""

_SCRIPT = """
cd "$SHARED/$1" || exit 1
sets() {{ [ ! -e sets.ipset ] || {sets}; }}
load() {{ {load}; }}
state() {{ {state}; }}
try() {{ (cd "$1" && sets && load) > "$2.said" 2>&1; echo $? > "$2.status"; state > "$2.state"; }}
stand() {{ (cd standing && sets && load) > standing.said 2>&1 || exit 1; }}
try whole first
{listings}
[ "$(cat first.status)" = 0 ] || exit 0
try whole again
stand
state > standing.state
for cut in cut-*; do
    case $cut in
    # The rules that follow would be loaded, since the sets are there.
    cut-sets*) (cd "$cut" && sets) > "$cut.said" 2>&1; state > "$cut.state" ;;
    *) try "$cut" "$cut" ;;
    esac
    cmp -s standing.state "$cut.state" || stand
done
"""


def trials(policies: Sequence[Path], ways: Sequence[Way], profile: Profile) -> list[Trial]:
    """All trials, less those of policies that the target of a way refuses for the profile."""
    found = []
    for policy in policies:
        for way in ways:
            output = compiled(policy, way.target, way.format, profile)
            listed = compiled(policy, way.target, BACKENDS[way.target].formats[0], profile)
            if isinstance(output, Output) and isinstance(listed, Output):
                found.append(Trial(policy.stem, way, output, listed))
    return found


def prepare(trials: Sequence[Trial], shared: Path, profile: Profile) -> None:
    """Write what the scripts of trials need into directories below ``shared``."""
    shutil.copy(Path(__file__).parent / "load_json.py", shared)
    policy = shared / "standing.yaml"
    policy.write_text(_STANDING)
    for trial in trials:
        standing = compiled(policy, trial.way.target, trial.way.format, profile)
        assert isinstance(standing, Output), standing
        _prepare(trial, shared / trial.place, standing)


def _prepare(trial: Trial, place: Path, standing: Output) -> None:
    _write(place / "whole", trial.output)
    _write(place / "standing", standing)
    for file in trial.output.files:
        text = file.text.encode()
        for part in range(1, PARTS):
            cut = place / f"cut-{file.name}-{part}"
            _write(cut, trial.output)
            (cut / file.name).write_bytes(text[: max(len(text) * part // PARTS, unprotected(file))])
    listings = [
        f"{trial.way.listings[file.name]} > listed.{shlex.quote(file.name)} 2> {shlex.quote(file.name)}.unseen"
        for file in trial.listed.files
    ]
    way = trial.way
    script = _SCRIPT.format(sets=way.sets, load=way.load, state=way.state, listings="\n".join(listings))
    (place / "trial.sh").write_text(script)


def unprotected(file: OutputFile) -> int:
    """Bytes at the beginning of a file that can be all of it: docs/targets.md says of nft's text what they do then."""
    return file.text.index("{") + 1 if file.name == TEXT else 0


def run(trials: Sequence[Trial], inside: Inside) -> None:
    """Run the scripts of all, each in a network namespace of its own."""
    shared = shlex.quote(str(inside.shared))
    lines = [f"export LC_ALL=C TZ=UTC SHARED={shared} PYTHON={shlex.quote(inside.python)}"]
    lines += [f'unshare --net sh "$SHARED/{one.place}/trial.sh" {one.place}' for one in trials]
    inside.run("sh", input="\n".join(lines))


def judge(trial: Trial, shared: Path) -> Result:
    """What came of a trial that was run."""
    place = shared / trial.place
    if _read(place / "first.status").strip() != "0":
        return Result(trial, {"loaded": (_read(place / "first.said").strip() or "refused without a word",)})
    found = {
        "equal": (*_unequal(trial, place), *_unlike_text(trial, shared)),
        "again": tuple(_again(place)),
        "cut": tuple(_cut(place)),
    }
    return Result(trial, {check: problems for check, problems in found.items() if problems})


def _unequal(trial: Trial, place: Path) -> Iterator[str]:
    for file in trial.listed.files:
        try:
            yield from differences(file.name, file.text, _read(place / f"listed.{file.name}"))
        except ValueError as error:
            yield f"{file.name}: not read back: {error}"


def _unlike_text(trial: Trial, shared: Path) -> Iterator[str]:
    if trial.way.format == "json":
        text = shared / _place(trial.policy, TEXT_WAY) / "first.state"
        if text.exists() and _unmarked(text) != _unmarked(shared / trial.place / "first.state"):
            yield "nft lists another ruleset than for the text"


def _unmarked(state: Path) -> str:
    """A listing without the mark on sets that rules fill, which JSON of nft 0.9.8 has no way to give them."""
    # Their other flag is shown only where nothing else says it. Flags are compared by `equal`, too.
    return re.sub(r"^\t\tflags (dynamic,)?timeout\n", "", _read(state), flags=re.MULTILINE)


def _again(place: Path) -> Iterator[str]:
    if _read(place / "again.status").strip() != "0":
        yield _read(place / "again.said").strip()
    elif _read(place / "first.state") != _read(place / "again.state"):
        yield "the ruleset is another after the second time"
    if not _read(place / "first.state").strip():
        yield "nothing is listed"


def _cut(place: Path) -> Iterator[str]:
    standing = _read(place / "standing.state")
    if not standing:
        yield f"the ruleset that is to be there does not load: {_read(place / 'standing.said').strip()}"
        return
    for cut in sorted(one for one in place.glob("cut-*") if one.is_dir()):
        if _read(place / f"{cut.name}.state") != standing:
            yield f"{cut.name}: the ruleset is another: {_read(place / f'{cut.name}.said').strip() or 'no word of it'}"


def _place(policy: str, way: Way) -> str:
    return f"{policy} {way.name}".replace(" ", "-")


def _write(place: Path, output: Output) -> None:
    place.mkdir(parents=True)
    for file in output.files:
        (place / file.name).write_text(file.text)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
