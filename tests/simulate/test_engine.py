"""Hooks, chains and verdicts, as the kernel goes through them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from build import base, chain, one, rule, source, table, tcp
from packet_text import GATEWAY
from play import OPEN, STATEFUL, Play, host, ruleset

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressType, AddressTypeMatch, CtState, CtStateMatch, FieldMatch, ReversePathMatch, Side
from polc.ir.protocols import TCP
from polc.ir.ruleset import ChainType, Flowtable, Hook, Ruleset, TableFamily
from polc.ir.selectors import Transport
from polc.ir.statements import (
    AssignTimeout,
    AssignZone,
    ClampMss,
    CtDirection,
    Duplicate,
    HopChange,
    Log,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    SetDscp,
    SetHops,
    SetMark,
    StripTcpOptions,
    Synproxy,
    Tproxy,
)
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    Nat,
    NatKind,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    RejectType,
    Return,
    VerdictMap,
)
from polc.simulate import Fate, Flavour, Loaded, Simulator, Tracer, Tried, format_packet, read_packet
from polc.simulate.report_json import outcome_json
from polc.simulate.report_text import report

WEB = "tcp 198.51.100.9:4000 -> host:80 in eth0"
EF = f"{WEB} dscp ef"
THROUGH = "tcp 192.0.2.9:4000 -> 198.51.100.9:80 in eth1"
MARKED = FieldMatch(Field.META_MARK, one(7))


def fate(ruleset: Ruleset, words: str = WEB, flavour: Flavour = Flavour.NFT) -> Fate:
    return Play(ruleset, flavour=flavour).send(words).fate


# Which chains a packet meets, and in what order


@pytest.mark.parametrize(
    ("words", "hooks"),
    [
        (WEB, "prerouting input"),
        (THROUGH, "prerouting forward postrouting"),
        ("tcp host:80 -> 198.51.100.9:80 out eth0", "output postrouting"),
        ("udp 127.0.0.1:1 -> 127.0.0.1:53 out lo", "output postrouting prerouting input"),
    ],
)
def test_the_hooks_on_the_way(words: str, hooks: str) -> None:
    play = Play(table(*(base(hook, rule(Log(hook.value))) for hook in Hook if "gress" not in hook.value)))
    assert " ".join(log.prefix for log in play.send(words).logs) == hooks


def test_chains_of_one_hook_go_by_priority_and_conntrack_and_nat_have_theirs() -> None:
    def logs(hook: Hook, *priorities: int) -> str:
        chains = [base(hook, rule(Log(str(one))), priority=one) for one in priorities]
        return " ".join(log.prefix for log in Play(table(*chains)).send(WEB).logs)

    assert logs(Hook.INPUT, 50, -150, 0) == "-150 0 50"
    new = replace(rule(Log("tracked")), matches=(FieldMatch(Field.CT_ZONE, one(0)),))
    for priority, seen in ((-201, 0), (-199, 1)):
        assert len(Play(table(base(Hook.PREROUTING, new, priority=priority))).send(WEB).logs) == seen
    changed = rule(tcp(8080), Log("changed"))
    nat = base(
        Hook.PREROUTING, rule(tcp(80), Nat(NatKind.REDIRECT, ports=one(8080))), type=ChainType.NAT, priority=-100
    )
    for priority, seen in ((-101, 0), (-99, 1)):
        assert len(Play(table(base(Hook.PREROUTING, changed, priority=priority), nat)).send(WEB).logs) == seen


def test_accept_ends_its_own_base_chain_alone_and_drop_ends_all() -> None:
    early = base(Hook.INPUT, rule(Accept()), priority=-1, name="early")
    late = base(Hook.INPUT, rule(tcp(80), Drop()), name="late")
    outcome = Play(table(early, late)).send(WEB)
    assert outcome.fate is Fate.DROP
    assert outcome.decision is not None
    assert (outcome.decision.chain, outcome.decision.number) == ("late", 0)
    assert fate(table(replace(early, rules=(rule(Drop()),)), replace(late, rules=(rule(Accept()),)))) is Fate.DROP


def test_who_accepted_is_the_filter_not_what_comes_before_or_after_it() -> None:
    early = base(Hook.PREROUTING, rule(Accept()), priority=-150)
    own = base(Hook.INPUT, rule(tcp(80), Accept()), policy=Drop(), name="own")
    security = base(Hook.INPUT, priority=50)
    decision = Play(table(early, own, security)).send(WEB).decision
    assert decision is not None
    assert (decision.chain, decision.number) == ("own", 0)


def test_policies() -> None:
    outcome = Play(table(base(Hook.INPUT, rule(tcp(22), Accept()), policy=Drop(), name="in"))).send(WEB)
    assert outcome.fate is Fate.DROP
    assert outcome.decision is not None
    assert (outcome.decision.chain, outcome.decision.rule, outcome.decision.verdict) == ("in", None, Drop())


def test_jump_goto_and_return() -> None:
    def of(verdict: Jump | Goto, *below: Return | Drop | None) -> Fate:
        inner = chain("inner", *(rule(tcp(80), one) if one else rule(tcp(80)) for one in below))
        return fate(table(base(Hook.INPUT, rule(verdict), rule(Drop())), inner))

    assert of(Jump("inner")) is Fate.DROP
    assert of(Goto("inner")) is Fate.ACCEPT
    assert of(Jump("inner"), Return(), Drop()) is Fate.DROP
    assert of(Goto("inner"), Return(), Drop()) is Fate.ACCEPT
    assert of(Goto("inner"), Drop()) is Fate.DROP


def test_goto_goes_back_to_after_the_jump() -> None:
    chains = (chain("one", rule(Goto("two")), rule(Drop())), chain("two"))
    assert fate(table(base(Hook.INPUT, rule(Jump("one")), rule(Reject())), *chains)) is Fate.REJECT
    assert fate(table(base(Hook.INPUT, rule(Jump("one"))), *chains)) is Fate.ACCEPT


def test_several_rulesets_all_have_a_say() -> None:
    open_ = table(base(Hook.INPUT, rule(Accept())))
    closed = table(base(Hook.INPUT, rule(tcp(80), Drop())))
    for rulesets in ((open_, closed), (closed, open_)):
        assert Simulator(rulesets, GATEWAY).send(read_packet(WEB, GATEWAY)).fate is Fate.DROP


def test_tables_of_one_family_see_no_other() -> None:
    for family, four, six in (
        (TableFamily.IP, Fate.DROP, Fate.ACCEPT),
        (TableFamily.IP6, Fate.ACCEPT, Fate.DROP),
        (TableFamily.INET, Fate.DROP, Fate.DROP),
        (TableFamily.BRIDGE, Fate.ACCEPT, Fate.ACCEPT),
        (TableFamily.ARP, Fate.ACCEPT, Fate.ACCEPT),
    ):
        made = replace(table(base(Hook.INPUT, rule(Drop()))), family=family)
        assert fate(made) is four
        assert fate(made, "tcp [2001:db8::9]:4 -> host:80 in eth0") is six


def test_rules_of_one_family_within_a_table() -> None:
    only = replace(rule(Drop()), families=frozenset({Family.IP6}))
    assert fate(table(base(Hook.INPUT, only))) is Fate.ACCEPT
    assert fate(table(base(Hook.INPUT, only)), "tcp [2001:db8::9]:4 -> host:80 in eth0") is Fate.DROP


def test_chains_of_devices() -> None:
    made = table(base(Hook.INGRESS, rule(tcp(80), Drop()), devices=("eth0",)))
    outcome = Play(made).send(WEB)
    assert (outcome.fate, outcome.hook) == (Fate.DROP, Hook.INGRESS)
    assert fate(made, WEB.replace("eth0", "eth1")) is Fate.ACCEPT
    out = replace(table(base(Hook.EGRESS, rule(tcp(80), Drop()), devices=("eth0",))), family=TableFamily.NETDEV)
    assert fate(out, THROUGH) is Fate.DROP
    assert fate(out) is Fate.ACCEPT


# Verdicts


def test_verdict_maps() -> None:
    ways = VerdictMap(
        (Transport.DPORT,),
        (((one(80),), Jump("web")), ((one(22),), Accept()), ((Intervals.of([(1000, 2000)]),), Drop())),
    )
    made = table(base(Hook.INPUT, rule(ways), rule(Reject())), chain("web", rule(source("198.51.100.9"), Drop())))
    assert fate(made) is Fate.DROP
    assert fate(made, WEB.replace("100.9", "100.8")) is Fate.REJECT
    assert fate(made, WEB.replace(":80", ":22")) is Fate.ACCEPT
    assert fate(made, WEB.replace(":80", ":1999")) is Fate.DROP
    assert fate(made, WEB.replace(":80", ":2001")) is Fate.REJECT


def test_nat_maps() -> None:
    web = NatMap(NatKind.DNAT, (Transport.DPORT,), (((one(80),), NatTarget(one(0xC000020A), one(8080))),), Family.IP)
    chains = (base(Hook.PREROUTING, rule(tcp(80), web), rule(web), type=ChainType.NAT, priority=-100),)
    leaves = Play(table(*chains)).send(WEB).leaves
    assert leaves is not None
    assert leaves.end(source=False) == "192.0.2.10:8080"
    leaves = Play(table(*chains)).send(WEB.replace(":80", ":81")).leaves
    assert leaves is not None
    assert leaves.end(source=False) == "203.0.113.1:81"


@pytest.mark.parametrize(
    ("words", "kind", "answer"),
    [
        (
            f"{WEB} dscp 46",
            RejectType.PORT_UNREACHABLE,
            "icmp/destination-unreachable/3 203.0.113.1 -> 198.51.100.9 out eth0",
        ),
        (
            f"{WEB} dscp 46",
            RejectType.ADMIN_PROHIBITED,
            "icmp/destination-unreachable/13 203.0.113.1 -> 198.51.100.9 out eth0",
        ),
        (WEB, RejectType.TCP_RESET, "tcp 203.0.113.1:80 -> 198.51.100.9:4000 out eth0 flags rst,ack"),
        (
            "tcp [2001:db8::9]:4 -> host:80 in eth0",
            RejectType.HOST_UNREACHABLE,
            "icmpv6/destination-unreachable/3 2001:db8:113::1 -> 2001:db8::9 out eth0",
        ),
    ],
)
def test_answers_of_reject(words: str, kind: RejectType, answer: str) -> None:
    outcome = Play(table(base(Hook.INPUT, rule(tcp(80), Reject(kind))))).send(words)
    assert outcome.fate is Fate.REJECT
    assert outcome.answer is not None
    assert outcome.answer.leaves is not None
    assert format_packet(outcome.answer.leaves).startswith(answer)
    if answer.startswith("icmp/"):
        assert outcome.answer.leaves.dscp == 48 | 6
    if "icmp" in answer:
        assert outcome.answer.leaves.quoted is not None


def test_an_answer_goes_through_the_hosts_own_rules() -> None:
    made = table(base(Hook.INPUT, rule(tcp(80), Reject())), base(Hook.OUTPUT, policy=Drop()))
    outcome = Play(made).send(WEB)
    assert outcome.fate is Fate.REJECT
    assert outcome.answer is not None
    assert outcome.answer.fate is Fate.DROP


@pytest.mark.parametrize(
    "words",
    [f"{WEB} flags rst", "icmp/3/1 198.51.100.9 -> host in eth0 about tcp host:80 -> 198.51.100.9:1"],
)
def test_nothing_is_answered_to_errors(words: str) -> None:
    kind = RejectType.TCP_RESET if "flags" in words else RejectType.PORT_UNREACHABLE
    outcome = Play(table(base(Hook.INPUT, rule(Reject(kind))))).send(words)
    assert (outcome.fate, outcome.answer) == (Fate.REJECT, None)


# Statements


def test_marks_go_along_with_the_packet() -> None:
    mark = base(Hook.PREROUTING, rule(tcp(80), SetMark(MarkField.META, 7)), priority=-150)
    assert fate(table(mark, base(Hook.INPUT, rule(MARKED, Drop())))) is Fate.DROP
    assert fate(table(mark, base(Hook.INPUT, rule(MARKED, Drop()))), WEB.replace("80", "81")) is Fate.ACCEPT


def test_marks_of_flows_stay() -> None:
    mark = base(Hook.PREROUTING, rule(SetMark(MarkField.CT, 7)), priority=-150)
    out = base(Hook.OUTPUT, rule(FieldMatch(Field.CT_MARK, one(7)), Drop()))
    play = Play(table(mark, out))
    assert play.send(WEB).fate is Fate.ACCEPT
    assert play.send("reply").fate is Fate.DROP


def test_maps_of_marks() -> None:
    marks = MapMark(MarkField.META, (Transport.DPORT,), (((one(80),), 7), ((Intervals.of([(90, 99)]),), 8)))
    made = table(
        base(Hook.PREROUTING, rule(tcp(80), marks), rule(tcp(81), marks, Drop()), priority=-150),
        base(Hook.INPUT, rule(MARKED, Drop())),
    )
    assert fate(made) is Fate.DROP
    # Without an element the rule is broken off: not even its verdict holds.
    assert fate(made, WEB.replace("80", "81")) is Fate.ACCEPT


def test_what_is_written_into_a_packet_leaves_with_it() -> None:
    made = table(
        base(
            Hook.FORWARD,
            rule(SetDscp(46)),
            rule(SetHops(1, HopChange.INCREASE)),
            rule(ClampMss(1300)),
            rule(StripTcpOptions((4,))),
        )
    )
    leaves = Play(made).send(f"{THROUGH} mss 1460 options 4,2,8 ttl 9").leaves
    assert leaves is not None
    assert (leaves.dscp, leaves.ttl, leaves.mss, leaves.tcp_options) == (46, 9, 1300, frozenset({2, 8}))


def test_clamping_to_the_route() -> None:
    narrow = host("eth0 203.0.113.1/24 mtu 1400, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0")
    clamp = table(base(Hook.FORWARD, rule(tcp(80), ClampMss())))
    for words, mss in ((THROUGH, 1360), (THROUGH.replace("9:80", "9:81"), 1460)):
        leaves = Play(clamp, narrow).send(f"{words} mss 1460").leaves
        assert leaves is not None
        assert leaves.mss == mss


def test_notrack() -> None:
    made = table(base(Hook.PREROUTING, rule(tcp(80), Notrack()), priority=-300))
    play = Play(made)
    assert play.send(WEB).state is CtState.UNTRACKED
    assert play.simulator.flows == ()
    assert Play(table(base(Hook.PREROUTING, rule(Notrack()), priority=-150))).send(WEB).state is CtState.NEW


def test_zones_keep_flows_apart() -> None:
    def zone(direction: CtDirection | None) -> Play:
        made = table(
            base(
                Hook.PREROUTING,
                replace(rule(AssignZone(7, direction)), matches=(FieldMatch(Field.META_MARK, one(1)),)),
                priority=-300,
            )
        )
        return Play(made)

    play = zone(None)
    assert play.send(f"{THROUGH} mark 1").state is CtState.NEW
    assert play.send("tcp 198.51.100.9:80 -> 192.0.2.9:4000 in eth0 flags syn,ack").state is CtState.INVALID
    answered = play.send("tcp 198.51.100.9:80 -> 192.0.2.9:4000 in eth0 flags syn,ack mark 1")
    assert answered.state is CtState.ESTABLISHED
    assert [flow.zone for flow in play.simulator.flows] == [7]
    # A zone of the original direction alone: answers are looked up in zone 0.
    play = zone(CtDirection.ORIGINAL)
    play.send(f"{THROUGH} mark 1")
    assert play.send("tcp 198.51.100.9:80 -> 192.0.2.9:4000 in eth0 flags syn,ack").state is CtState.ESTABLISHED


def test_timeouts_of_a_rule() -> None:
    short = AssignTimeout("short", TCP, (("syn_sent", 5), ("established", 60)))
    play = Play(table(base(Hook.PREROUTING, rule(tcp(80), short), priority=-150)))
    play.send(WEB)
    assert [flow.expires for flow in play.simulator.flows] == [5.0]
    play.send("reply")
    play.send("reply")
    assert [flow.expires for flow in play.simulator.flows] == [60.0]
    play.do("wait 61s")
    assert play.simulator.flows == ()


def test_copies_and_logs_are_told() -> None:
    copy = Duplicate(Family.IP, 0xC0000201, "eth1")
    outcome = Play(table(base(Hook.INPUT, rule(tcp(80), Log("web "), copy)))).send(WEB)
    assert (outcome.copies, outcome.logs) == ((copy,), (Log("web "),))
    assert "  copy to 192.0.2.1 by eth1\n" in report(outcome)
    assert '  log "web " warn' in report(outcome)
    assert outcome_json(outcome)["copies"] == [{"to": "192.0.2.1", "by": "eth1"}]


def test_tproxy_delivers_to_a_listener_and_drops_without_one() -> None:
    made = table(base(Hook.PREROUTING, rule(tcp(80), Tproxy(3129, None, None), Accept()), priority=-150))
    outcome = Play(made).send(f"{THROUGH} socket")
    assert outcome.delivered
    assert Play(made).send(THROUGH).fate is Fate.DROP
    assert not Play(made).send(THROUGH.replace(":80", ":81")).delivered


def test_synproxy_answers_for_the_server_and_the_rest_only_the_kernel_knows() -> None:
    notrack = base(Hook.PREROUTING, rule(tcp(80), Notrack()), priority=-300)
    made = table(notrack, base(Hook.FORWARD, rule(tcp(80), Synproxy(1460, 7, True, True))))
    inward = "tcp 198.51.100.9:4000 -> 192.0.2.9:80 in eth0"
    assert fate(made, inward) is Fate.STOLEN
    assert fate(made, f"{inward} flags ack") is Fate.UNKNOWN
    assert fate(made, "udp 198.51.100.9:4000 -> 192.0.2.9:80 in eth0") is Fate.ACCEPT


@pytest.mark.parametrize(
    ("flags", "nft", "iptables"),
    [
        ("syn", Fate.STOLEN, Fate.STOLEN),
        ("syn,fin", Fate.STOLEN, Fate.ACCEPT),
        ("syn,ack", Fate.STOLEN, Fate.ACCEPT),
        ("ack", Fate.UNKNOWN, Fate.UNKNOWN),
        ("fin,ack", Fate.UNKNOWN, Fate.ACCEPT),
        ("fin", Fate.ACCEPT, Fate.ACCEPT),
    ],
)
def test_the_two_kinds_of_synproxy_tell_segments_apart_otherwise(flags: str, nft: Fate, iptables: Fate) -> None:
    """ipt_SYNPROXY.c, synproxy_tg4: other flags that begin or end a flow make it none of its own."""
    notrack = base(Hook.PREROUTING, rule(tcp(80), Notrack()), priority=-300)
    made = table(notrack, base(Hook.FORWARD, rule(tcp(80), Synproxy(1460, 7, True, True))))
    words = f"tcp 198.51.100.9:4000 -> 192.0.2.9:80 in eth0 flags {flags}"
    assert Play(made).send(words).fate is nft
    assert Play(made, flavour=Flavour.IPTABLES).send(words).fate is iptables


def test_the_answer_of_synproxy_comes_through_the_rules() -> None:
    """It is of no flow, and so invalid behind conntrack (net/netfilter/nf_synproxy_core.c, synproxy_send_tcp)."""
    notrack = base(Hook.PREROUTING, rule(tcp(80), Notrack()), priority=-300)
    proxy = base(Hook.INPUT, rule(tcp(80), Synproxy(1460, 7, True, True)))
    words = "tcp 198.51.100.9:4000 -> 203.0.113.1:80 in eth0"
    outcome = Play(table(notrack, proxy)).send(words)
    assert outcome.is_answered
    assert outcome.answer is not None
    assert outcome.answer.packet.flags == 0x12
    assert outcome.answer.state is CtState.INVALID
    kept = base(Hook.OUTPUT, rule(CtStateMatch(CtState.INVALID), Drop()))
    assert not Play(table(notrack, proxy, kept)).send(words).is_answered
    # A wrong sum is not answered.
    assert Play(table(notrack, proxy)).send(f"{words} bad-checksum").fate is Fate.DROP


def test_offloaded_flows_skip_the_rules() -> None:
    made = Ruleset(
        (base(Hook.FORWARD, rule(tcp(80), Offload("fast")), rule(Log("slow"))),),
        flowtables=(Flowtable("fast", ("eth0", "eth1")),),
    )
    play = Play(made)
    seen = [len(play.send(words).logs) for words in (THROUGH, "reply", "reply", "reply", "reply flags fin,ack")]
    # The third packet establishes it and takes it off the slow path; a FIN brings it back.
    assert seen == [1, 0, 1, 0, 1] or seen == [1, 1, 1, 0, 1]


# What only the kernel knows


@pytest.mark.parametrize(
    "part",
    [Native("accept", '[{"accept": null}]', "-j ACCEPT"), Queue(1, 2)],
)
def test_what_only_the_kernel_knows_is_never_guessed(part: Native | Queue) -> None:
    play = Play(table(base(Hook.INPUT, rule(tcp(80), part), rule(Drop()), policy=Accept())))
    outcome = play.send(WEB)
    assert outcome.fate is Fate.UNKNOWN
    assert outcome.reason
    assert outcome.decision is not None
    assert outcome.decision.number == 0
    # Whether it began a flow is not known either; another flow is not touched by that.
    assert play.send(f"{WEB} flags ack").fate is Fate.UNKNOWN
    assert play.send("udp 198.51.100.9:4000 -> host:80 in eth0").fate is Fate.DROP


def test_after_an_unknown_packet_what_is_counted_is_unknown_and_the_rest_is_not() -> None:
    play = Play(
        "input:\n  default: drop\n  rules:\n"
        "    - accept tcp/82\n    - accept tcp/81 limit 1/hour burst 1\n"
        "    - native: {nft: 'tcp dport 80 accept', iptables: '-p tcp --dport 80 -j ACCEPT'}\n"
    )
    assert play.send(WEB.replace("80", "81")).fate is Fate.ACCEPT
    assert play.send(WEB).fate is Fate.UNKNOWN
    # NAT may have made it seem to go elsewhere, so anything from that port of that source may be of its flow.
    assert play.send(WEB.replace("80", "82")).fate is Fate.UNKNOWN
    assert play.send(WEB.replace("80", "82").replace("4000", "4001")).fate is Fate.ACCEPT
    counted = play.send(WEB.replace("80", "81").replace("4000", "4001"))
    assert counted.fate is Fate.UNKNOWN
    assert "counted" in counted.reason


# Where packets go


def test_routes() -> None:
    two = host(
        "eth0 203.0.113.1/24, eth1 192.0.2.1/24, 10.0.0.0/8 via eth1, 10.1.0.0/16 unreachable, 0.0.0.0/0 via eth0"
    )
    play = Play(OPEN, two)

    def out(destination: str) -> str:
        outcome = play.send(f"udp 192.0.2.9:1 -> {destination}:53 in eth1")
        return outcome.leaves.oif if outcome.leaves else outcome.reason

    assert out("10.2.0.1") == "eth1"
    assert out("198.51.100.9") == "eth0"
    assert out("203.0.113.1") == ""
    assert "unreachable" in out("10.1.0.1")
    error = play.send("udp 192.0.2.9:1 -> 10.1.0.1:53 in eth1").answer
    assert error is not None
    assert error.leaves is not None
    assert (error.leaves.type, error.leaves.code) == (3, 1)


def test_a_host_without_a_default_route() -> None:
    outcome = Play(OPEN, host("eth0 203.0.113.1/24, eth1 192.0.2.1/24")).send(THROUGH)
    assert (outcome.fate, outcome.reason) == (Fate.DROP, "there is no route")
    assert outcome.answer is not None


def test_a_host_that_does_not_forward() -> None:
    alone = replace(GATEWAY, forwarding=False)
    assert Play(OPEN, alone).send(THROUGH).fate is Fate.DROP
    assert Play(OPEN, alone).send(WEB).fate is Fate.ACCEPT


def test_hops_are_used_up() -> None:
    outcome = Play(OPEN).send(f"{THROUGH} ttl 1")
    assert outcome.fate is Fate.DROP
    assert outcome.answer is not None
    assert outcome.answer.leaves is not None
    assert outcome.answer.leaves.type == 11
    assert Play(OPEN).send(f"{WEB} ttl 1").fate is Fate.ACCEPT


def test_sources_that_cannot_be() -> None:
    for end in ("127.0.0.1", "224.0.0.1", "203.0.113.1"):
        assert Play(OPEN).send(f"udp {end}:1 -> 192.0.2.9:1 in eth0").fate is Fate.DROP
    strict = replace(GATEWAY, rp_filter=1)
    spoofed = "udp 192.0.2.9:1 -> host:53 in eth0"
    assert Play(OPEN).send(spoofed).fate is Fate.ACCEPT
    assert "rp_filter" in Play(OPEN, strict).send(spoofed).reason
    assert Play(OPEN, replace(GATEWAY, rp_filter=2)).send(spoofed).fate is Fate.ACCEPT


@pytest.mark.parametrize(("loose", "dropped"), [(False, True), (True, False)])
def test_reverse_paths(loose: bool, dropped: bool) -> None:
    made = table(base(Hook.PREROUTING, rule(ReversePathMatch(loose, False), Drop()), priority=-150))
    assert (fate(made, "udp 192.0.2.9:1 -> host:53 in eth0") is Fate.DROP) is dropped
    assert fate(made) is Fate.ACCEPT


def test_types_of_addresses() -> None:
    def of(kind: AddressType, words: str) -> bool:
        made = table(base(Hook.PREROUTING, rule(AddressTypeMatch(Side.DADDR, (kind,)), Drop()), priority=-150))
        return fate(made, words) is Fate.DROP

    assert of(AddressType.LOCAL, WEB)
    assert not of(AddressType.LOCAL, THROUGH)
    assert of(AddressType.UNICAST, THROUGH)
    assert of(AddressType.BROADCAST, "udp 198.51.100.9:1 -> 203.0.113.255:53 in eth0")
    assert of(AddressType.MULTICAST, "udp 198.51.100.9:1 -> 224.0.0.5:53 in eth0")


# Looking on


def test_the_trace_says_why_a_rule_was_not_met() -> None:
    play = Play(
        "input:\n  default: drop\n  rules:\n    - accept ssh from 192.0.2.0/24\n    - accept tcp/80 state new\n"
    )
    tracer = play.simulator.tracer()
    outcome = play.simulator.send(read_packet(WEB.replace(":80", ":22"), GATEWAY), tracer)
    missed = [event.missed for event in tracer.events if getattr(event, "missed", None) is not None]
    told = {(one.field, one.wanted, one.seen) for one in missed if one is not None}
    assert outcome.fate is Fate.DROP
    assert any(seen == "198.51.100.9" and "192.0.2.0/24" in wanted for _, wanted, seen in told), told
    assert any("22" in seen and "80" in wanted for _, wanted, seen in told), told


def test_the_trace_says_that_a_map_has_no_element() -> None:
    ways = VerdictMap((Transport.DPORT,), (((one(22),), Accept()),))
    marks = MapMark(MarkField.META, (Transport.DPORT,), (((one(80),), 7),))
    play = Play(table(base(Hook.INPUT, rule(ways), rule(marks), policy=Drop())))
    tracer = play.simulator.tracer()
    play.simulator.send(read_packet(WEB, GATEWAY), tracer)
    first, second = [event for event in tracer.events if isinstance(event, Tried)]
    assert first.missed is not None
    assert (first.missed.wanted, first.missed.seen) == ("in 22", "80")
    assert second.missed is None


def test_looking_on_changes_nothing() -> None:
    counted = "input:\n  default: drop\n  rules: [accept ssh state new limit 2/minute burst 2, use stateful]\n"
    read = ruleset(counted)
    quiet, watched = Play(read), Play(read)
    for port in range(1, 6):
        words = read_packet(f"tcp 198.51.100.9:{port} -> host:22 in eth0", GATEWAY)
        tracer: Tracer = watched.simulator.tracer()
        assert quiet.simulator.send(words) == watched.simulator.send(words, tracer)


def test_hits_of_rules_and_counters() -> None:
    play = Play("input:\n  default: drop\n  rules:\n    - accept ssh count guests\n    - accept tcp/80\n")
    for words in (WEB, WEB, "tcp 198.51.100.9:1 -> host:22 in eth0", "tcp [2001:db8::9]:1 -> host:22 in eth0"):
        play.send(words)
    found = {hit.rule.origin.span.text: hit.packets for hit in play.simulator.hits if hit.rule.origin.span}
    assert found["accept tcp/80"] == 2
    assert found["accept ssh count guests"] == 2
    assert play.simulator.counters["guests"][0] == 2


def test_a_policy_of_the_readme_kind() -> None:
    play = Play(STATEFUL)
    play.play(
        "accept new: tcp 198.51.100.9:4000 -> host:22 in eth0",
        "accept established: reply",
        "drop new: tcp 198.51.100.9:4000 -> host:23 in eth0",
        "accept new: udp 192.0.2.9:1 -> 198.51.100.9:53 in eth1",
        "accept established: reply",
        "drop new: udp 198.51.100.9:53 -> 192.0.2.9:2 in eth0",
    )


def test_nothing_loaded_lets_everything_through() -> None:
    assert Simulator([], GATEWAY).send(read_packet(WEB, GATEWAY)).fate is Fate.ACCEPT


def test_the_same_seed_gives_the_same_run() -> None:
    masquerade = ruleset(OPEN + "nat: [masquerade random]\n")
    runs = []
    for _ in range(2):
        simulator = Simulator([Loaded(masquerade)], GATEWAY)
        runs.append([simulator.send(read_packet(THROUGH, GATEWAY)) for _ in range(3)])
    assert runs[0] == runs[1]


def test_rules_for_the_host_see_no_later_fragment_of_ip() -> None:
    play = Play("input: {default: accept, rules: [drop where fragment]}\nforward: {default: accept}")
    alone = play.send("udp 198.51.100.9 -> host in eth0 fragment")
    assert (alone.fate, alone.decision) == (Fate.DROP, None)
    assert "other fragments" in alone.reason
    assert play.send("udp [2001:db8:9::9] -> host in eth0 fragment").decision is not None
    assert play.send("udp 198.51.100.9 -> 192.0.2.9 in eth0 out eth1 fragment").fate is Fate.ACCEPT


def test_iptables_leaves_answers_tracked() -> None:
    """nft takes them for what no packet has been seen of (net/netfilter/xt_CT.c, nft_ct.c)."""
    policy = (
        "raw: {prerouting: [notrack], output: [notrack]}\n"
        "output: {default: drop, rules: [accept icmp state untracked, accept icmp state invalid]}\n"
        "input: {default: reject}\n"
    )
    places = {}
    for flavour in Flavour:
        answer = Play(policy, flavour=flavour).send("udp 198.51.100.9:4000 -> host:9 in eth0").answer
        assert answer is not None
        assert answer.decision is not None
        places[flavour] = answer.decision.number
    assert places == {Flavour.NFT: 0, Flavour.IPTABLES: 1}
