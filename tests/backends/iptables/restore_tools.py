"""Loads restore files with each loader and saves them back, many rulesets in one go."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polc.backends.iptables import compare_ipsets, ipsets
from polc.backends.iptables.compare import differences
from polc.backends.model import Output
from polc.kernel.netns import ScratchNamespace
from polc.kernel.programs import find

LOADERS = (("iptables", "rules.v4"), ("ip6tables", "rules.v6"))
VARIANTS = ("legacy", "nft")

_SCRIPT = """
cd "$1" && for one in */; do unshare --net sh -c '
    cd "$1"
    if [ -e sets.ipset ]; then
        if ! ipset -exist restore < sets.ipset 2> sets.error; then
            grep -q "set type not supported" sets.error && touch sets.lacking && exit
            cat sets.error >&2; exit 1
        fi
        ipset save > sets.saved
    fi
    for variant in legacy nft; do
        for pair in iptables:rules.v4 ip6tables:rules.v6; do
            tool=${pair%%:*}-$variant
            if [ ! -e "${pair#*:}" ]; then continue; fi
            "$tool-restore" --counters < "${pair#*:}" > "$tool.error" 2>&1; echo $? > "$tool.status"
            "$tool-save" > "$tool.saved" 2>/dev/null
        done
    done' sh "$one" || exit 1
done
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    tool: str
    emitted: str
    status: int
    error: str
    saved: str

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is not as it should be, in sentences; empty when all is."""
        if self.status:
            return (f"{self.tool} refuses: {self.error}",)
        return tuple(f"{self.tool}: {one}" for one in differences(self.emitted, self.saved))


def load(outputs: Sequence[Output], directory: Path) -> list[list[Loaded]]:
    """Each output through all four loaders, in a network namespace of its own; its sets, if any, are there before.

    An output with a type of set that this kernel lacks is through none.
    """
    find("iptables-legacy-restore")
    for number, output in enumerate(outputs):
        place = directory / f"{number:04}"
        place.mkdir()
        for file in output.files:
            (place / file.name).write_text(file.text)
    script = directory / "load.sh"
    script.write_text(_SCRIPT)
    with ScratchNamespace() as namespace:
        done: subprocess.CompletedProcess[str] = namespace.run(["sh", str(script), str(directory)])
    assert done.returncode == 0, done.stderr
    for number, output in enumerate(outputs):
        emitted = [file.text for file in output.files if file.name == ipsets.FILE]
        place = directory / f"{number:04}"
        if not (place / "sets.lacking").exists():
            saved = [(text, (place / "sets.saved").read_text()) for text in emitted]
            assert not [sentence for pair in saved for sentence in compare_ipsets.differences(*pair)]
    return [_read(directory / f"{number:04}", output) for number, output in enumerate(outputs)]


def _read(place: Path, output: Output) -> list[Loaded]:
    texts = {file.name: file.text for file in output.files}
    if (place / "sets.lacking").exists():
        return []
    return [
        Loaded(
            f"{tool}-{variant}",
            texts[name],
            int((place / f"{tool}-{variant}.status").read_text()),
            (place / f"{tool}-{variant}.error").read_text().strip(),
            (place / f"{tool}-{variant}.saved").read_text(errors="replace"),
        )
        for variant in VARIANTS
        for tool, name in LOADERS
        if name in texts
    ]
