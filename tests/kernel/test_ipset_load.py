"""Dynamic groups on iptables: ipsets that rules fill, in a real kernel."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from polc.backends.model import Output
from polc.cli.main import main
from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.kernel import loaders, programs
from polc.kernel.loaders import LOADERS
from polc.kernel.netns import Namespace
from polc.kernel.verify import verify

IPTABLES = pytest.mark.parametrize(
    "loader",
    [pytest.param(one, marks=pytest.mark.kernel(one.name, "ipset"), id=one.name) for one in LOADERS[1:]],
)
GROUP = "{dynamic: true, timeout: 1h, size: 1000}"
RULES = ("drop from @banned", "accept udp/9 ban @banned 10m", "accept udp/10 ban @banned")


def compiled(directory: Path, *rules: str, group: str = GROUP) -> Output:
    path = directory / "policy.yaml"
    listed = "".join(f"    - {rule}\n" for rule in rules or RULES)
    path.write_text(f"polc: 1\naddresses: {{banned: {group}}}\ninput:\n  default: drop\n  rules:\n{listed}")
    return compile_policy(str(path), "iptables")


def run(namespace: Namespace, *argv: str, input: str = "") -> str:
    done: subprocess.CompletedProcess[str] = namespace.run(argv, input=input)
    assert done.returncode == 0, done.stderr
    return done.stdout


def send(namespace: Namespace, host: str, port: int, *sources: str) -> None:
    """Datagrams over the loopback interface."""
    text = f"""
import socket
family = socket.AF_INET6 if ":" in {host!r} else socket.AF_INET
for source in {sources!r}:
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((source, 0))
    one.sendto(b"", ({host!r}, {port}))
    one.close()
"""
    run(namespace, "ip", "link", "set", "lo", "up")
    run(namespace, "python3", "-", input=text)


def members(namespace: Namespace, name: str) -> dict[str, int]:
    """Address -> the seconds that it stays."""
    found = re.findall(rf"^add {name} (\S+) timeout (\d+)$", run(namespace, "ipset", "save", name), re.MULTILINE)
    return {address: int(seconds) for address, seconds in found}


@IPTABLES
def test_addresses_stay_for_the_time_of_their_rule_or_of_the_set(
    loader: loaders.Loader, scratch: Namespace, tmp_path: Path
) -> None:
    loader.load(scratch, compiled(tmp_path))
    send(scratch, "127.0.0.1", 9, "127.0.0.9")
    send(scratch, "127.0.0.1", 10, "127.0.0.10")
    send(scratch, "::1", 9, "::1")
    found = members(scratch, "banned-v4")
    assert found.keys() == {"127.0.0.9", "127.0.0.10"}
    assert 540 < found["127.0.0.9"] <= 600
    assert 3540 < found["127.0.0.10"] <= 3600
    assert members(scratch, "banned-v6").keys() == {"::1"}


@IPTABLES
def test_whoever_comes_again_stays_for_the_whole_time(
    loader: loaders.Loader, scratch: Namespace, tmp_path: Path
) -> None:
    loader.load(scratch, compiled(tmp_path, "accept udp/9 ban @banned 10m"))
    run(scratch, "ipset", "add", "banned-v4", "127.0.0.9", "timeout", "60")
    send(scratch, "127.0.0.1", 9, "127.0.0.9")
    assert 540 < members(scratch, "banned-v4")["127.0.0.9"] <= 600


@IPTABLES
def test_loading_again_keeps_who_is_banned(loader: loaders.Loader, scratch: Namespace, tmp_path: Path) -> None:
    output = compiled(tmp_path)
    loader.load(scratch, output)
    run(scratch, "ipset", "add", "banned-v4", "192.0.2.9")
    loader.load(scratch, output)
    assert members(scratch, "banned-v4").keys() == {"192.0.2.9"}
    for emitted, listed in zip(output.files, loader.read_back(scratch, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()


@IPTABLES
def test_a_set_with_other_parameters_is_an_error(loader: loaders.Loader, scratch: Namespace, tmp_path: Path) -> None:
    loader.load(scratch, compiled(tmp_path))
    with pytest.raises(Failure) as refused:
        loader.load(scratch, compiled(tmp_path, group="{dynamic: true, timeout: 2h, size: 1000}"))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "POL603"
    assert diagnostic.message.startswith("`ipset -exist restore` failed: ")


@IPTABLES
def test_a_set_that_is_another_is_a_difference(loader: loaders.Loader, scratch: Namespace, tmp_path: Path) -> None:
    loader.load(scratch, compiled(tmp_path, group="{dynamic: true, timeout: 2h, size: 1000}"))
    output = compiled(tmp_path)
    (sets, *_), (listed, *_) = output.files, loader.read_back(scratch, output)
    assert loader.differences(sets.text, listed.text) == (
        "set banned-v4: timeout is 7200, not 3600",
        "set banned-v6: timeout is 7200, not 3600",
    )


@pytest.mark.kernel("iptables-legacy", "ipset")
def test_rules_fill_a_set_to_its_size(scratch: Namespace, tmp_path: Path) -> None:
    """The kernel does not let the hash table grow for them: it is as large as it must be from the start."""
    loader = LOADERS[2]
    loader.load(
        scratch, compiled(tmp_path, "accept udp/9 ban @banned", group="{dynamic: true, timeout: 1h, size: 20000}")
    )
    send(scratch, "127.0.0.1", 9, *(f"127.1.{n >> 8}.{n & 255}" for n in range(1, 19001)))
    assert len(members(scratch, "banned-v4")) == 19000


@IPTABLES
def test_a_full_set_does_not_keep_a_verdict_from_being_followed(
    loader: loaders.Loader, scratch: Namespace, tmp_path: Path
) -> None:
    policy = compiled(tmp_path, "accept udp/9 ban @banned", group="{dynamic: true, timeout: 1h, size: 10}")
    loader.load(scratch, policy)
    send(scratch, "127.0.0.1", 9, *(f"127.0.0.{n}" for n in range(2, 32)))
    assert len(members(scratch, "banned-v4")) == 10
    (accepts,) = (line for line in run(scratch, f"{loader.name}-save", "-c").splitlines() if "-j ACCEPT" in line)
    assert accepts.startswith("[30:")


@pytest.mark.kernel("iptables-nft", "iptables-legacy", "ipset")
def test_the_verb_names_three_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(tmp_path)
    assert main(["verify", str(tmp_path / "policy.yaml"), "--target", "iptables", "--no-packets"]) == 0
    words = "sets.ipset, rules.v4 and rules.v6 loaded in a scratch namespace, read back: same as compiled"
    assert capsys.readouterr().out == f"iptables-nft: {words}\niptables-legacy: {words}\n"


@pytest.mark.kernel("iptables-nft", "iptables-legacy", "ipset")
def test_verify_knows_sets(tmp_path: Path) -> None:
    results = verify({"iptables": compiled(tmp_path)})
    assert [(one.loader, one.verified) for one in results] == [("iptables-nft", True), ("iptables-legacy", True)]
    assert results[0].files == ("sets.ipset", "rules.v4", "rules.v6")


@pytest.mark.kernel("iptables-nft", "iptables-legacy")
def test_only_policies_with_sets_need_ipset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    which = programs.shutil.which

    def without(program: str, path: str = "") -> str | None:
        return None if program == "ipset" else which(program, path=path)

    monkeypatch.setattr(programs.shutil, "which", without)
    path = tmp_path / "without.yaml"
    path.write_text("polc: 1\ninput: {default: drop, rules: [accept udp/9]}\n")
    assert all(one.verified for one in verify({"iptables": compile_policy(str(path), "iptables")}))
    for one in verify({"iptables": compiled(tmp_path)}):
        (problem,) = one.problems
        assert (problem.code, problem.help) == ("POL601", "install the package `ipset`")
