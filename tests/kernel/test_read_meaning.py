"""The second judge of ``polc verify``: a listing that means something else is told, whatever its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.backends.model import OutputFile
from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.kernel.meaning import differences

POLICY = """\
polc: 1
zones: {wan: eth0}
input:
  default: drop
  rules: [use stateful, accept tcp/22 from wan, "vmap tcp dport {80: accept, 81: drop}"]
"""


def output(target: str, folder: Path, policy: str = POLICY) -> tuple[OutputFile, ...]:
    path = folder / "policy.yaml"
    path.write_text(policy)
    return compile_policy(str(path), target).files


@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_the_same_is_the_same(target: str, tmp_path: Path) -> None:
    files = output(target, tmp_path)
    assert differences(target, files, files) == ()


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("nft", '"right":22', '"right":23'),
        ("nft", '"policy":"drop"', '"policy":"accept"'),
        ("nft", '"right":"eth0"', '"right":"eth1"'),
        ("nft", "[80,", "[82,"),
        ("nft", '{"accept":null}', '{"drop":null}'),
        ("iptables", "--dport 22", "--dport 23"),
        ("iptables", ":INPUT DROP", ":INPUT ACCEPT"),
        ("iptables", "-A INPUT -i eth0 -p tcp -m tcp --dport 22", "-A INPUT -p tcp -m tcp --dport 22"),
        ("iptables", "--ctstate INVALID", "! --ctstate INVALID"),
    ],
)
def test_what_was_changed_is_told(target: str, old: str, new: str, tmp_path: Path) -> None:
    files = output(target, tmp_path)
    assert any(old in one.text for one in files)
    changed = tuple(OutputFile(one.name, one.text.replace(old, new)) for one in files)
    assert any("`input`" in one for one in differences(target, files, changed))


def test_a_rule_that_is_gone_is_told(tmp_path: Path) -> None:
    files = output("iptables", tmp_path)
    fewer = tuple(
        OutputFile(one.name, "".join(line for line in one.text.splitlines(keepends=True) if "--dport 22" not in line))
        for one in files
    )
    assert any("`input`" in one for one in differences("iptables", files, fewer))


def test_a_listing_that_is_none_is_told(tmp_path: Path) -> None:
    files = output("nft", tmp_path)
    (told,) = differences("nft", files, (OutputFile("ruleset.nft.json", "{"),))
    assert told.startswith("what the kernel lists cannot be read back")
    with pytest.raises(Failure):
        differences("nft", (OutputFile("ruleset.nft.json", "{"),), files)
