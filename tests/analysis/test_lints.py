"""Each lint: its example triggers it and nothing else that counts, a near miss does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.analysis.registry import LINTS, findings
from polc.diagnostics import Collector, Severity
from polc.diagnostics.codes import CODES
from polc.policy.read import inspect_policy

ALL = ("use stateful", "use loopback", "use icmp-essentials", "accept ssh state new")
GUARD = "drop ssh over 10/minute burst 10 per source"


def policy(*rules: str, default: str = "drop", chain: str = "input", head: str = "") -> str:
    lines = "".join(f"    - {rule}\n" for rule in rules)
    return f"polc: 1\n{head}{chain}:\n  default: {default}\n  rules:\n{lines}"


def chains(**named: tuple[str, ...]) -> str:
    lines = (f"  {name}:\n" + "".join(f"    - {rule}\n" for rule in rules) for name, rules in named.items())
    return "chains:\n" + "".join(lines)


def codes(text: str, tmp_path: Path, *, notes: bool = False) -> list[str]:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    found = findings(inspect_policy(str(path), Collector()))
    return [one.code for one in found if notes or one.severity is not Severity.NOTE]


@pytest.mark.parametrize("code", [lint.code for lint in LINTS])
def test_the_example_triggers_it(code: str, tmp_path: Path) -> None:
    assert set(codes(CODES[code].example, tmp_path, notes=True)) - {"POL308"} == {code} - {"POL308"}
    assert code in codes(CODES[code].example, tmp_path, notes=True)


@pytest.mark.parametrize(
    "text",
    [
        policy(*ALL),
        policy("drop ssh state new over 10/minute burst 10 per source", *ALL),
        policy("use stateful", GUARD, *ALL[1:]),
        policy("accept state established", "drop ssh hits 3 in 10s per source", *ALL[1:], "accept state related"),
        policy("drop udp/53 over 10/second", *ALL),
        policy("accept ssh limit 10/second", *ALL),
        policy("accept state new,established,related", "use loopback", "use icmp-essentials"),
        policy(GUARD, *ALL, chain="output").replace("over", "state new over"),
        policy("accept", default="drop"),
        policy(*ALL, "drop"),
        policy(*ALL, default="reject"),
        policy("drop tcp/23", default="accept"),
        policy("use stateful", "accept icmpv6/packet-too-big", "accept tcp", chain="forward"),
        policy("use stateful", "use loopback", "accept icmpv6", "accept tcp/1-1024 from 192.0.2.0/24"),
        # What chains do counts as if it stood where they are called.
        policy("jump base", ALL[3], head=chains(base=ALL[:3])),
        policy("goto base", head=chains(base=(*ALL[:3], "jump doors"), doors=("return tcp/1-21", ALL[3]))),
        policy("jump base", GUARD, *ALL[2:], head=chains(base=ALL[:2])),
        policy("jump guard", *ALL, head=chains(guard=(ALL[0], GUARD))),
        policy("jump guard", *ALL, head=chains(guard=("jump inner", GUARD), inner=ALL[:1])),
        policy("jump guard state new", *ALL, head=chains(guard=(GUARD,))),
        policy("jump all", default="drop", head=chains(all=("accept",))),
        policy(*ALL[:3], "accept ssh from 192.0.2.0/24 state new", "drop ssh"),
        policy(*ALL[:3], "drop tcp/1-100 from 192.0.2.0/24", "drop ssh state established", "drop tcp/80", ALL[3]),
        policy(*ALL[:3], "accept ssh from not loopback state new"),
        policy(*ALL[:3], "accept tcp/2222 state new", head="settings: {management: tcp/2222}\n"),
        policy(*ALL[:3], "drop ssh", "accept tcp/2222", head="settings: {management: 'ssh, tcp/2222'}\n"),
    ],
)
def test_nothing_to_say(text: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # An earlier rule for some of the established packets settles nothing for the others.
        (policy("accept state established from 192.0.2.1", GUARD, *ALL), "POL301"),
        (policy("reject with tcp-reset tcp state new,established hits 9 in 9s per source", *ALL), "POL301"),
        (policy("accept state established from 192.0.2.1", *ALL[1:]), "POL302"),
        (policy("use stateful", "use icmp-essentials", chain="output"), "POL303"),
        (policy("use stateful", "use loopback", "accept icmp", "accept ssh"), "POL304"),
        (policy("use stateful", "use loopback", "accept icmpv6 from 2001:db8::/32", "accept ssh"), "POL304"),
        (policy(*ALL, default="accept", chain="input") + "    - drop\n    - accept dns\n", "POL305"),
        (policy(*ALL[:3], "accept ssh from loopback", "accept ssh state established"), "POL306"),
        (policy(*ALL[:3], "accept udp/22", "accept tcp/23-99"), "POL306"),
        (policy(*ALL[:3], "drop tcp/1-1024", ALL[3]), "POL306"),
        (policy(*ALL[:3], "reject ssh from not loopback", ALL[3]), "POL306"),
        (policy(*ALL[:3], "drop ssh", "accept tcp/80", head="settings: {management: 'ssh, tcp/2222'}\n"), "POL306"),
        (policy(*ALL, head="settings: {management: tcp/2222}\n"), "POL306"),
        (policy(*ALL[:3], "jump shut", ALL[3], head=chains(shut=("drop tcp/22",))), "POL306"),
        (policy(*ALL, "jump doors", head=chains(doors=("return", "accept http"))), "POL305"),
        (policy("jump base", GUARD, *ALL, head=chains(base=("return from 192.0.2.1", ALL[0]))), "POL301"),
        (policy("goto base", head=chains(base=ALL[:3])), "POL306"),
        (policy("jump guard", *ALL, head=chains(guard=(GUARD,))), "POL301"),
        (policy("jump guard over 9/minute", *ALL, head=chains(guard=("drop tcp",))), "POL301"),
        (policy("jump base from 192.0.2.1", *ALL[1:], head=chains(base=ALL[:1])), "POL302"),
        (policy(ALL[0], ALL[2], "jump base udp", ALL[3], head=chains(base=(ALL[1],))), "POL303"),
        (policy(*ALL[:2], "jump base udp", ALL[3], head=chains(base=(ALL[2],))), "POL304"),
        (policy(*ALL[:3], "jump end", default="accept", head=chains(end=("drop",))), "POL306"),
    ],
)
def test_found(text: str, code: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path) == [code]


def test_related_with_a_helper_is_fine(tmp_path: Path) -> None:
    text = policy("accept state related", *ALL)
    assert "POL307" in codes(text, tmp_path, notes=True)
    assert "POL307" not in codes(text + "    - helper ftp tcp/21\n", tmp_path, notes=True)


def test_few_sources_fill_no_table(tmp_path: Path) -> None:
    bounded = "drop ssh state new from 192.0.2.0/24 over 9/minute per source"
    assert "POL308" not in codes(policy(*ALL[:3], bounded, ALL[3]), tmp_path, notes=True)
    unbounded = "drop ssh state new from not 192.0.2.0/24 over 9/minute per source"
    assert "POL308" in codes(policy(*ALL[:3], unbounded, ALL[3]), tmp_path, notes=True)


def test_every_lint_is_registered_once_and_documented() -> None:
    registered = [lint.code for lint in LINTS]
    assert registered == sorted(set(registered))
    assert all(CODES[code].example and CODES[code].instead for code in registered)
    assert {code for code in CODES if code.startswith("POL3")} == {*registered, "POL390"}
