"""Each lint: its example triggers it and nothing else that counts, a near miss does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.analysis.registry import EXACT_LINTS, LINTS, findings
from polc.diagnostics import Collector, Severity
from polc.diagnostics.codes import CODES
from polc.policy.read import inspect_policy

ALL = ("use stateful", "use loopback", "use icmp-essentials", "accept ssh state new")
GUARD = "drop ssh over 10/minute burst 10 per source"

EXACT = {code for lint in EXACT_LINTS for code in lint.codes}
"""Those of test_exact_lints.py, which find much in rules that are here for one lint's sake."""


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
    return [one.code for one in found if (notes or one.severity is not Severity.NOTE) and one.code not in EXACT]


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
        # So does what verdict maps do.
        policy("'vmap ct state {established: accept, related: accept, invalid: drop}'", *ALL[1:]),
        policy(
            "'vmap ct state {established: accept}'",
            "'vmap iifname {lo: accept, eth0: jump base}'",
            head=chains(base=ALL[2:]),
        ),
        policy(*ALL[:3], "'vmap tcp dport {22: accept, 80: drop}'"),
        policy(*ALL[:3], "'vmap iifname . tcp dport {eth0 . 22: accept}'"),
        policy(*ALL[:3], "'vmap dport {22: jump doors} tcp, udp'", head=chains(doors=("accept",))),
        policy(*ALL[:3], "'vmap meta l4proto {tcp: jump doors}'", head=chains(doors=(ALL[3],))),
        "polc: 1\ningress: {eth0: {default: drop, rules: [accept tcp/22, drop tcp/80 over 9/second]}}\n",
        "timeouts: {t: {protocol: tcp, close: 9s}}\n" + policy(*ALL, "ct timeout set t tcp/80"),
        # What chains do counts as if it stood where they are called.
        policy("jump base", ALL[3], head=chains(base=ALL[:3])),
        policy("goto base", head=chains(base=(*ALL[:3], "jump doors"), doors=("return tcp/1-21", ALL[3]))),
        policy("jump base", GUARD, *ALL[2:], head=chains(base=ALL[:2])),
        policy("jump guard", *ALL, head=chains(guard=(ALL[0], GUARD))),
        policy("jump most", *ALL, head=chains(most=("return tcp/22", "accept"))),
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
        (
            policy(*ALL, "jump all", "drop tcp/23", head=chains(all=("accept tcp", "jump rest"), rest=("drop",))),
            "POL305",
        ),
        ("polc: 1\nzones: {wan: eth0}\nnat:\n  - masquerade\n  - snat from 192.0.2.1 to wan -> 192.0.2.9\n", "POL305"),
        (policy("jump guard", *ALL, head=chains(guard=(GUARD,))), "POL301"),
        (policy("jump guard over 9/minute", *ALL, head=chains(guard=("drop tcp",))), "POL301"),
        (policy("jump base from 192.0.2.1", *ALL[1:], head=chains(base=ALL[:1])), "POL302"),
        (policy(ALL[0], ALL[2], "jump base udp", ALL[3], head=chains(base=(ALL[1],))), "POL303"),
        (policy(*ALL[:2], "jump base udp", ALL[3], head=chains(base=(ALL[2],))), "POL304"),
        (policy(*ALL[:3], "jump end", default="accept", head=chains(end=("drop",))), "POL306"),
        # An element is for its own packets alone.
        (policy("'vmap ct state {new: accept, related: accept}'", *ALL[1:]), "POL302"),
        (policy("'vmap iifname {eth0: jump base}'", *ALL[1:], head=chains(base=ALL[:1])), "POL302"),
        (policy(*ALL[:1], *ALL[2:], "'vmap iifname {eth0: accept}'"), "POL303"),
        (policy(*ALL[:3], "'vmap tcp dport {22: drop, 80: accept}'"), "POL306"),
        (policy(*ALL[:3], "'vmap dport {80: jump doors} tcp'", head=chains(doors=("accept",))), "POL306"),
        (policy("'vmap iifname {eth0: jump guard}'", *ALL, head=chains(guard=(GUARD,))), "POL301"),
    ],
)
def test_found(text: str, code: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path) == [code]


BANNED = "addresses: {banned: {dynamic: true, timeout: 1h, size: 9}}\n"
BANS = ("use stateful", "drop from @banned", "drop tcp/23 ban @banned", *ALL[1:])
FILES = "services: {files: {ports: tcp/21, helper: ftp}, many: [files, tcp/80]}\n"


@pytest.mark.parametrize(
    "text",
    [
        policy(*ALL, "accept tcp/80 from wan", head="zones: {wan: eth0}\n"),
        policy(*ALL, "accept tcp/80 from @all", head='addresses: {some: 192.0.2.1, all: ["@some"]}\n'),
        policy(*ALL, "accept tcp/80 from lan", head='zones: {lan: {interfaces: eth0, addresses: "@own"}}\n'
               "addresses: {own: 192.0.2.0/24}\n"),
        policy(*ALL, "{verdict: accept, service: web, from: {not_zone: wan, address: '@a'}}",
               head="zones: {wan: eth0}\naddresses: {a: 192.0.2.1}\nservices: {web: tcp/80}\n"),
        policy(*ALL, "accept where ct original saddr @a", head="addresses: {a: 192.0.2.1}\n"),
        policy(*ALL, "use mine", head="macros: {mine: [accept web]}\nservices: {web: tcp/80}\n"),
        policy(*ALL, "jump guard", head="chains: {guard: [goto inner], inner: [accept tcp/80]}\n"),
        policy(*ALL, "'vmap tcp dport {1: jump guard, 2: goto inner}'",
               head="chains: {guard: [accept tcp/80], inner: [accept tcp/80]}\n"),
        policy(*ALL, "{vmap: saddr, verdicts: {'@some': accept}}", head="addresses: {some: 192.0.2.1}\n"),
        policy(*ALL, "'vmap iifname {eth0: accept} files'", head="services: {files: {ports: tcp/21, helper: ftp}}\n"),
        policy(*ALL, "'mark set map saddr {@some: 1}'", head="addresses: {some: 192.0.2.1}\n"),
        policy(*ALL, "ct timeout set short tcp", head="timeouts: {short: {protocol: tcp, close: 9s}}\n"),
        policy("use stateful", "use icmp-essentials", "flow add @fast tcp", chain="forward",
               head="flowtables: {fast: {devices: [eth0]}}\n"),
        policy(*ALL, "accept tcp/22", head="services: {door: tcp/22}\nsettings: {management: door}\n"),
        policy(*BANS, head=BANNED),
        policy(*BANS[:1], *BANS[3:], "drop from @banned", head="addresses: {banned: {dynamic: true}}\n"),
        policy(*ALL, "'log \"in: \" at 5/minute'", "'log \"in: \" limit 5/minute'"),
        policy(*ALL, "'drop tcp/23 log \"in: \" at 5/minute'", "'drop tcp/24 log \"in: \" quota upto 1 mbytes'"),
        policy(*ALL, "jump told limit 5/minute", head=chains(told=("'log \"in: \"'",))),
        policy(*ALL, "accept files, many", head=FILES),
        policy(*ALL, "accept many", "drop files", head=FILES),
        policy(*ALL, "jump guard", head="chains: {guard: [accept tcp/80]}\n"),
    ],
)  # fmt: skip
def test_nothing_is_unused_empty_or_without_a_bound(text: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path, notes=True) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (policy(*ALL, "'drop tcp/23 over 5/minute log \"in: \"'"), "POL312"),
        (policy(*ALL, "'drop tcp/24 log \"in: \" quota over 1 mbytes'"), "POL312"),
        (policy(*ALL, "jump told limit 5/minute", "jump told udp", head=chains(told=("'log \"in: \"'",))), "POL312"),
        (policy(*ALL, "'drop tcp/24 from 192.0.2.1,2001:db8::1 log \"in: \"'"), "POL312"),
        (policy(*ALL, "drop many", "accept tcp/21", head=FILES), "POL313"),
        (policy(*ALL, "use mine", head="macros: {mine: []}\n"), "POL314"),
        (policy(*BANS, head=BANNED.replace(", timeout: 1h", "")), "POL310"),
        (policy(*BANS, head=BANNED.replace(", size: 9", "")), "POL311"),
    ],
)
def test_unused_empty_or_without_a_bound(text: str, code: str, tmp_path: Path) -> None:
    assert codes(text, tmp_path, notes=True) == [code]


def findings_of(text: str, tmp_path: Path) -> list[tuple[str, str, list[tuple[str, str]]]]:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    found = findings(inspect_policy(str(path), Collector()))
    return [(one.code, one.message, [(label.span.text, label.message) for label in one.labels]) for one in found]


UNUSED = """\
zones: {wan: eth0}
addresses: {inner: 192.0.2.1, outer: ["@inner"], banned: {dynamic: true, timeout: 1h, size: 9}}
services: {web: tcp/80}
macros: {mine: [accept web]}
chains: {guard: [accept tcp/80 from @outer], loose: ['vmap tcp dport {80: jump guard}']}
timeouts: {short: {protocol: tcp, close: 9s}}
flowtables: {fast: {devices: [eth0]}}
"""


def test_what_is_unused_is_told_with_its_reason(tmp_path: Path) -> None:
    found = findings_of(policy(*ALL, "drop tcp/23 ban @banned", head=UNUSED), tmp_path)
    assert found == [
        ("POL309", "the zone `wan` is not used", [("wan", "no rule names it")]),
        ("POL309", "the address group `inner` is not used",
         [("inner", "only `outer` names it, which is not used"), ("outer", "not used either")]),
        ("POL309", "the address group `outer` is not used",
         [("outer", "only `guard` names it, which is not used"), ("guard", "not used either")]),
        ("POL309", "the address group `banned` is not used",
         [("banned", "rules add to it, and none asks what is in it"), ("ban @banned", "added here")]),
        ("POL309", "the service `web` is not used",
         [("web", "only `mine` names it, which is not used"), ("mine", "not used either")]),
        ("POL309", "the timeout `short` is not used", [("short", "no rule gives it to a flow")]),
        ("POL309", "the flowtable `fast` is not used", [("fast", "no rule adds flows to it")]),
        ("POL309", "the macro `mine` is not used", [("mine", "no rule uses it")]),
        ("POL309", "the chain `guard` is not used",
         [("guard", "only `loose` names it, which is not used"), ("loose", "not used either")]),
        ("POL309", "the chain `loose` is not used", [("loose", "no rule leads there")]),
    ]  # fmt: skip


def test_names_of_included_files_may_be_used_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text(f"polc: 1\n{UNUSED}")
    assert findings_of(policy(*ALL, head="include: [common.yaml]\n"), tmp_path) == []


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
    registered = sorted([*(lint.code for lint in LINTS), *EXACT, "POL326", "POL328"])
    assert registered == sorted(set(registered))
    assert all(CODES[code].example and CODES[code].instead for code in registered)
    assert {code for code in CODES if code.startswith("POL3")} == {*registered, "POL329", "POL390"}
