"""What rules do to flows: zones of conntrack, timeouts of their own, flowtables."""

from __future__ import annotations

import pytest
from policies import codes, errors, policy, read

from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import Flowtable
from polc.ir.statements import AssignTimeout, AssignZone, CtDirection, Offload
from polc.policy.lower.flows import STATES

TIMEOUTS = """\
timeouts:
  short: {protocol: tcp, close_wait: 10s, established: 5d}
  dns: {protocol: udp, unreplied: 5s, replied: 5s}
"""


def raw(rule: str) -> object:
    (chain,) = read(f"polc: 1\nraw: {{prerouting: ['{rule}']}}\n").chains
    (found,) = chain.rules
    (statement,) = found.statements
    return statement


def test_zones() -> None:
    assert raw("ct zone set 5") == AssignZone(5)
    assert raw("ct original zone set 65535") == AssignZone(65535, CtDirection.ORIGINAL)
    assert raw("ct  reply  zone set 0") == AssignZone(0, CtDirection.REPLY)


@pytest.mark.parametrize(
    ("rule", "code", "at"),
    [
        ("ct zone set 65536", "POL121", "65536"),
        ("ct zone set five", "POL121", "five"),
        ("ct zone set 5 mask 1", "POL121", "1"),
        ("ct zone xor 5", "POL121", "xor 5"),
        ("ct status set 5", "POL121", "ct status"),
        ("ct zone set 5 ct reply zone set 6", "POL111", "ct reply zone set 6"),
    ],
)
def test_zones_that_are_none(rule: str, code: str, at: str) -> None:
    (one,) = errors(f"polc: 1\nraw: {{prerouting: ['{rule}']}}\n")
    assert (one.code, one.span and one.span.text) == (code, at)


def test_what_nft_sets_and_is_written_otherwise_here() -> None:
    hints = {
        "ip dscp set ef": "`dscp set ef`",
        "ct helper set ftp": "`helper ftp`",
        "tcp option maxseg size set 1400": "`mss clamp size 1400`",
    }
    for rule, hint in hints.items():
        (one,) = errors(policy(rule))
        assert one.code == "POL121"
        assert hint in one.help


def statements(rule: str, chain: str = "input") -> tuple[object, ...]:
    (base, *_) = read(policy(rule, chain=chain, head=TIMEOUTS)).chains
    return base.rules[0].statements


def test_timeouts_are_in_the_order_of_the_states() -> None:
    assert statements("accept tcp/80 ct timeout set short") == (
        AssignTimeout("short", TCP, (("established", 432000), ("close_wait", 10))),
    )
    assert statements("ct timeout set dns udp/53") == (AssignTimeout("dns", UDP, (("unreplied", 5), ("replied", 5))),)


@pytest.mark.parametrize("protocol", STATES)
def test_every_state_can_be_named(protocol: str) -> None:
    states = ", ".join(f"{state}: 1m" for state in reversed(STATES[protocol]))
    head = f"timeouts: {{all: {{protocol: {protocol}, {states}}}}}\n"
    (base,) = read(policy(f"ct timeout set all {protocol}", head=head)).chains
    (assigned,) = base.rules[0].statements
    assert isinstance(assigned, AssignTimeout)
    assert assigned.policy == tuple((state, 60) for state in STATES[protocol])


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        ("ct timeout set shrt tcp", "POL232", "there is no timeout `shrt`"),
        ("ct timeout set short", "POL226",
         "the timeout `short` is for flows of tcp alone: the rule must name a service of that"),
        ("ct timeout set short dns", "POL226",
         "the timeout `short` is for flows of tcp alone: the rule must name a service of that"),
        ("accept tcp where ct timeout short", "POL243", "`ct timeout` is set, and cannot be compared"),
        ("accept where ct original zone 5", "POL243", "`ct original zone` is set, and cannot be compared"),
    ],
)  # fmt: skip
def test_rules_that_give_none(rule: str, code: str, message: str) -> None:
    (one,) = errors(policy(rule, head=TIMEOUTS))
    assert (one.code, one.message) == (code, message)


@pytest.mark.parametrize(
    ("definition", "code", "at"),
    [
        ("{protocol: tcp, replied: 5s}", "POL112", "replied"),
        ("{protocol: udp, unreplied: 5}", "POL102", "5"),
        ("{protocol: udp, unreplied: 5x}", "POL114", "5x"),
        ("{protocol: gre, replied: 5s}", "POL104", "gre"),
        ("{established: 5s}", "POL103", "established"),
        ("{protocol: tcp, establish: 5s}", "POL101", "establish"),
    ],
)
def test_timeouts_that_are_none(definition: str, code: str, at: str) -> None:
    found = errors(f"polc: 1\ntimeouts: {{a: {definition}}}\n")
    assert (found[0].code, found[0].span and found[0].span.text) == (code, at)


def test_a_timeout_without_times_is_none() -> None:
    assert codes("polc: 1\ntimeouts: {a: {protocol: tcp}}\n") == ["POL103"]


def test_a_wrong_definition_is_told_once() -> None:
    text = policy("ct timeout set a tcp", "flow add @f tcp", chain="forward")
    head = "timeouts: {a: {protocol: tcp, close: 5x}}\nflowtables: {f: {devices: [a/b]}}\n"
    assert codes(text.replace("forward:", head + "forward:")) == ["POL114", "POL117"]
    broken = "timeouts: {a: {protocol: tcp, close: 5}}\nflowtables: {f: {device: eth0}}\n"
    assert set(codes(text.replace("forward:", broken + "forward:"))) <= {"POL101", "POL102", "POL103"}


FLOWTABLES = "flowtables: {fast: {devices: [eth1, eth0]}, card: {devices: [eth2], hardware: true}}\n"


def test_flowtables() -> None:
    found = read(policy("flow add @fast tcp state established", chain="forward", head=FLOWTABLES))
    assert found.flowtables == (
        Flowtable("fast", ("eth1", "eth0")),
        Flowtable("card", ("eth2",), hardware=True),
    )
    assert found.flowtables[0].origin.name == "fast"
    (rule,) = found.chains[0].rules
    assert rule.statements == (Offload("fast"),)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("flowtables: {a: {devices: []}}", "POL106", "[]"),
        ("flowtables: {a: {devices: eth0}}", "POL102", "eth0"),
        ('flowtables: {a: {devices: ["eth*"]}}', "POL117", '"eth*"'),
        ("flowtables: {a: {devices: [eth0, eth0]}}", "POL117", "eth0"),
        ("flowtables: {a: {hardware: true}}", "POL103", "hardware"),
        ("flowtables: {flow: {devices: [eth0]}}", "POL211", "flow"),
        (policy("flow add @fats tcp", chain="forward", head=FLOWTABLES)[8:], "POL233", "@fats"),
        (policy("flow add fast tcp", chain="forward", head=FLOWTABLES)[8:], "POL110", "fast"),
        (policy("flow add @fast tcp", head=FLOWTABLES)[8:], "POL241", "flow add @fast"),
    ],
)
def test_flowtables_that_are_none(text: str, code: str, at: str) -> None:
    (one,) = errors(f"polc: 1\n{text}\n")
    assert (one.code, one.span and one.span.text.strip()) == (code, at)


def test_definitions_come_from_included_files_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    from polc.diagnostics import Collector
    from polc.policy import read_policy

    folder = tmp_path_factory.mktemp("include")
    (folder / "a.yaml").write_text(
        f"polc: 1\n{TIMEOUTS}{FLOWTABLES}ingress: {{eth0: {{default: drop, rules: [accept]}}}}\n"
    )
    (folder / "b.yaml").write_text(
        "polc: 1\ninclude: a.yaml\ningress: {eth0: {rules: [drop]}}\n"
        "forward: {default: drop, rules: ['ct timeout set short tcp flow add @fast']}\n"
    )
    found = read_policy(str(folder / "b.yaml"), Collector())
    assert [one.name for one in found.flowtables] == ["fast", "card"]
    assert [[len(one.rules), one.name] for one in found.chains] == [[2, "ingress-eth0"], [1, "forward"]]
