"""Loading twice leaves the same state, and a file that was cut short leaves what is there, as docs/targets.md says.

On the tools of this machine and some of the goldens; ``scripts/versions`` tries them all, on several generations.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from versions import trials
from versions.inside import Inside
from versions.outputs import ROOT, compiled
from versions.trials import Trial
from versions.ways import TEXT, WAYS, Way

from polc.backends.model import Output, OutputFile
from polc.backends.profile import OLDEST
from polc.diagnostics import Failure
from polc.kernel.loaders import IptablesLoader
from polc.kernel.netns import Namespace

SOME = [ROOT / "tests" / "golden" / f"{name}.yaml" for name in ("ban", "hits", "nat", "raw", "where-zone")]
KERNEL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset", "nat", "recent")


@pytest.fixture(scope="module")
def some() -> list[Trial]:
    return trials.trials(SOME, WAYS, OLDEST)


def tried(some: list[Trial], scratch: Namespace, folder: Path) -> list[str]:
    inside = Inside(scratch, None, folder, sys.executable)
    trials.prepare(some, folder, OLDEST)
    trials.run(some, inside)
    results = [trials.judge(one, folder) for one in some]
    return [
        f"{result.trial.place}, {check}: {problem}"
        for result in results
        for check, problems in result.problems.items()
        for problem in problems
    ]


@KERNEL
def test_outputs_load_twice_and_broken_ones_not_at_all(some: list[Trial], scratch: Namespace, tmp_path: Path) -> None:
    assert len(some) > 20
    assert tried(some, scratch, tmp_path) == []


@KERNEL
def test_a_trial_sees_what_is_wrong(some: list[Trial], scratch: Namespace, tmp_path: Path) -> None:
    """A loader that empties the ruleset before it looks at the file, one that adds to it, a listing of another."""
    (one,) = (trial for trial in some if trial.policy == "nat" and trial.way.name == "nft text")
    (other,) = (trial for trial in some if trial.policy == "raw" and trial.way.name == "nft text")

    def kinds(way: Way, listed: Output) -> set[str]:
        folder = tmp_path / f"{way.name} {way.load.split()[1]} {listed is one.listed}"
        folder.mkdir()
        wrong = tried([replace(one, way=way, listed=listed)], scratch, folder)
        return {problem.partition(": ")[0].rpartition(", ")[2] for problem in wrong}

    assert kinds(replace(one.way, load=f"nft flush ruleset; {one.way.load}"), one.listed) == {"cut"}
    assert kinds(replace(one.way, load="sed -i /^delete/d ruleset.nft; nft -f ruleset.nft"), one.listed) == {"again"}
    assert kinds(replace(one.way, load="nft -f nowhere"), one.listed) == {"loaded"}
    assert kinds(one.way, other.listed) == {"equal"}


def output(folder: Path, policy: str, target: str, form: str) -> dict[str, str]:
    path = folder / "policy.yaml"
    path.write_text(policy)
    found = compiled(path, target, form)
    assert isinstance(found, Output), found
    return {file.name: file.text for file in found.files}


SMALL = "polc: 1\ninput: {default: drop, rules: [%s]}\n"

_EVERY_BYTE = """
cd "$1" && nft -f old && nft list ruleset > before
for size in $(seq "$2" $(($(stat -c %s new) - 2))); do
    head -c "$size" new > cut
    nft $3 -f cut > /dev/null 2>&1 && echo "taken $size"
    nft list ruleset | cmp -s - before && continue
    echo "changed $size"; nft flush ruleset; nft -f old
done
"""


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("form", ["text", "json"])
def test_nft_changes_nothing_for_a_file_cut_at_any_byte(form: str, scratch: Namespace, tmp_path: Path) -> None:
    (old,) = output(tmp_path, SMALL % "accept tcp/7", "nft", "text").values()
    (new,) = output(tmp_path, SMALL % "accept tcp/8", "nft", form).values()
    start = trials.unprotected(OutputFile(TEXT, new)) if form == "text" else 0
    (tmp_path / "old").write_text(old)
    (tmp_path / "new").write_text(new)
    option = "-j" if form == "json" else ""
    done = scratch.run(["sh", "-c", _EVERY_BYTE, "sh", str(tmp_path), str(start), option])
    assert done.returncode == 0, done.stderr
    # Nothing at all is no commands, which nft takes.
    assert done.stdout.splitlines() == (["taken 0"] if form == "json" else [])


@pytest.mark.kernel("nft")
def test_the_head_of_text_is_the_exception(scratch: Namespace, tmp_path: Path) -> None:
    """It would take the table away: the page says so, and how few bytes that are."""
    (new,) = output(tmp_path, SMALL % "accept tcp/8", "nft", "text").values()
    head = trials.unprotected(OutputFile(TEXT, new))
    assert new[:head] == "add table inet polc\ndelete table inet polc\ntable inet polc {"
    for cut, left in ((20, "table inet polc {"), (42, ""), (head - 1, "table inet polc {\n}")):
        (tmp_path / "new").write_text(new)
        (tmp_path / "cut").write_text(new[:cut])
        done = scratch.run(["sh", "-c", 'cd "$1"; nft -f new && nft -f cut; nft list ruleset', "sh", str(tmp_path)])
        assert done.stdout.startswith(left), (cut, done.stdout)
        assert ("chain" in done.stdout) == (cut == 20)


TWO_TABLES = SMALL % "accept tcp/8" + "nat: [redirect tcp/8 -> :9]\n"


@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.kernel("iptables-nft", "iptables-legacy", "nat")
def test_a_restore_file_of_several_tables_is_taken_table_by_table(
    variant: str, scratch: Namespace, tmp_path: Path
) -> None:
    """Cut in its second table, a plain `iptables-restore` has loaded the first, which is filter; `--test` says no."""
    rules = output(tmp_path, TWO_TABLES, "iptables", "restore")["rules.v4"]
    assert [line for line in rules.splitlines() if line[0] == "*"] == ["*filter", "*nat"]
    first = rules.index("*nat")
    for cut, loaded in ((first - 2, False), (first + 2, True), (len(rules) - 2, True)):
        scratch.run([f"iptables-{variant}-restore"], input="*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n*nat\nCOMMIT\n")
        assert scratch.run([f"iptables-{variant}-restore", "--test"], input=rules[:cut]).returncode != 0
        assert scratch.run([f"iptables-{variant}-restore"], input=rules[:cut]).returncode != 0
        saved = scratch.run([f"iptables-{variant}-save"]).stdout
        assert (":INPUT DROP" in saved, "--dport 8 " in saved) == (loaded, loaded)
        assert "REDIRECT" not in saved


REFUSED_BY_THE_KERNEL = (
    "*filter\n:INPUT DROP [0:0]\nCOMMIT\n*mangle\nCOMMIT\n*nat\n-A PREROUTING -p tcp -j REJECT\nCOMMIT\n"
)
STANDING = "*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -p tcp -m tcp --dport 7 -j own\nCOMMIT\n"


@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.kernel("iptables-nft", "iptables-legacy", "nat")
def test_what_only_the_kernel_refuses_has_the_old_rules_put_back(variant: str, scratch: Namespace) -> None:
    loader = IptablesLoader(variant)
    old = Output((OutputFile("rules.v4", STANDING), OutputFile("rules.v6", STANDING)))
    loader.load(scratch, old)
    new = Output((OutputFile("rules.v4", STANDING.replace("7", "8")), OutputFile("rules.v6", REFUSED_BY_THE_KERNEL)))
    with pytest.raises(Failure):
        loader.load(scratch, new)
    for emitted, listed in zip(old.files, loader.read_back(scratch, old), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()


GROUPS = """\
polc: 1
addresses: {a: {dynamic: true, timeout: 1h, size: 1000}, b: {dynamic: true, timeout: 2h, size: 2000}}
input: {default: drop, rules: [drop from @a, drop from @b, accept tcp/1 ban @a, accept tcp/2 ban @b]}
"""

_EVERY_BYTE_OF_SETS = """
cd "$1"
for size in $(seq 0 $(($(stat -c %s sets.ipset) - 2))); do
    head -c "$size" sets.ipset > cut
    ipset -exist restore < cut > /dev/null 2>&1 && iptables-nft-restore --test < rules.v4 > /dev/null 2>&1 &&
        ip6tables-nft-restore --test < rules.v6 > /dev/null 2>&1 && echo "taken $size"
    ipset destroy
done
ipset -exist restore < sets.ipset && iptables-nft-restore --test < rules.v4 &&
    ip6tables-nft-restore --test < rules.v6 && echo whole
"""


@pytest.mark.kernel("iptables-nft", "ipset")
def test_rules_are_not_taken_with_a_file_of_sets_cut_at_any_byte(scratch: Namespace, tmp_path: Path) -> None:
    for name, text in output(tmp_path, GROUPS, "iptables", "restore").items():
        (tmp_path / name).write_text(text)
    done = scratch.run(["sh", "-c", _EVERY_BYTE_OF_SETS, "sh", str(tmp_path)])
    assert done.stdout == "whole\n", done.stdout + done.stderr
