"""`vmap` and `map`: what they look up, where that leads, and in which family."""

from __future__ import annotations

import pytest
from policies import HEAD, codes, error, errors, policy, read, rules

from polc.ir.addresses import parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, PortTerm, ServiceMatch
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, RegularChain, Rule
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, Selector, Side, Transport
from polc.ir.statements import AssignHelper, Counter, Log, MapMark, MarkField
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    MapVerdict,
    NatKind,
    NatMap,
    NatTarget,
    Reject,
    Return,
    VerdictMap,
)

IP, IP6 = (frozenset({family}) for family in FAMILIES)
CHAINS = "chains: {web: [accept tcp/80], vpn: [accept]}\n"
TCP_ALONE = ServiceMatch((PortTerm(TCP),))


def mapped(*written: str, chain: str = "input") -> tuple[Rule, ...]:
    """The rules of a section, with the names of ``HEAD`` and two chains."""
    found = read(policy(*(f"'{one}'" for one in written), chain=chain, head=HEAD + CHAINS)).chains
    (base,) = (one for one in found if one.name == chain)
    return base.rules


def verdicts(rule: Rule) -> dict[Element, MapVerdict]:
    assert isinstance(rule.verdict, VerdictMap)
    assert len({element for element, _ in rule.verdict.elements}) == len(rule.verdict.elements)
    return dict(rule.verdict.elements)


def number(low: int, high: int | None = None) -> Intervals:
    return Intervals.of([(low, low if high is None else high)])


def address(text: str) -> Intervals:
    _, low, high = parse_address(text)
    return number(low, high)


def test_ports_of_a_protocol_lead_to_verdicts() -> None:
    (rule,) = mapped("vmap tcp dport {22: accept, 80: jump web, 81: goto web, 82: return, 1000-2000: drop}")
    assert (rule.matches, rule.families) == ((TCP_ALONE,), BOTH)
    assert verdicts(rule) == {
        (number(22),): Accept(), (number(80),): Jump("web"), (number(81),): Goto("web"), (number(82),): Return(),
        (number(1000, 2000),): Drop(),
    }  # fmt: skip
    assert isinstance(rule.verdict, VerdictMap)
    assert rule.verdict.key == (Transport.DPORT,)


@pytest.mark.parametrize(
    ("words", "key", "element"),
    [
        ('iifname {"wg*": drop}', (Direction.IN,), (InterfacePattern("wg", wildcard=True),)),
        ("iifname {eth0.5: drop}", (Direction.IN,), (InterfacePattern("eth0.5"),)),
        ("ct state {related: drop}", (Conntrack.STATE,), (number(CtState.RELATED.value),)),
        ("meta l4proto {gre: drop}", (Transport.PROTOCOL,), (number(47),)),
        ("meta mark {0x10-0x1f: drop}", (Field.META_MARK,), (number(16, 31),)),
        ("ether saddr {02:00:5e:00:53:01 : drop}", (Field.ETHER_SADDR,), (number(0x02005E005301),)),
        ("meta pkttype {broadcast: drop}", (Field.META_PKTTYPE,), (number(1),)),
        ("udp sport {53: drop}", (Transport.SPORT,), (number(53),)),
        ("ct  mark {7: drop}", (Field.CT_MARK,), (number(7),)),
    ],
)
def test_what_can_be_looked_up(words: str, key: tuple[Selector, ...], element: Element) -> None:
    (rule,) = mapped(f"vmap {words}")
    assert rule.verdict == VerdictMap(key, ((element, Drop()),))


def test_addresses_make_a_rule_for_each_family() -> None:
    v4, v6 = mapped("vmap saddr {192.0.2.1: accept, 2001:db8:1::/48 : drop, @admins: jump vpn}")
    assert (v4.families, v6.families) == (IP, IP6)
    admins = Intervals((*address("198.51.100.0/24").ranges, *address("203.0.113.7").ranges))
    assert verdicts(v4) == {(address("192.0.2.1"),): Accept(), (admins,): Jump("vpn")}
    (one,) = errors(policy("'vmap saddr {2001:db8::/32 : drop, @admins: jump vpn}'", head=HEAD + CHAINS))
    assert (one.code, one.message) == ("POL235", "`@admins` has packets that are in `2001:db8::/32` too")


def test_addresses_of_one_family_make_one_rule() -> None:
    (rule,) = mapped("vmap ip saddr {192.0.2.1: accept, @admins: drop}")
    assert rule.families == IP
    assert len(verdicts(rule)) == 2
    (rule,) = mapped("vmap daddr {2001:db8::1 : accept}")
    assert rule.families == IP6


def test_a_key_of_several_parts() -> None:
    (rule,) = mapped("vmap saddr . tcp dport {192.0.2.1 . 22: accept, @four . 1-21: drop, 192.0.2.1 . 23-99: return}")
    assert (rule.families, rule.matches) == (IP, (TCP_ALONE,))
    assert verdicts(rule) == {
        (address("192.0.2.1"), number(22)): Accept(),
        (address("192.0.2.0/24"), number(1, 21)): Drop(),
        (address("192.0.2.1"), number(23, 99)): Return(),
    }


def test_ports_are_of_the_rules_service_or_of_the_protocols_looked_up() -> None:
    (rule,) = mapped("vmap dport {22: accept} tcp, udp")
    assert rule.matches == (ServiceMatch((PortTerm(TCP), PortTerm(UDP))),)
    (rule,) = mapped("vmap meta l4proto . dport {tcp . 22: accept, 17 . 53: drop}")
    assert rule.matches == (ServiceMatch((PortTerm(TCP), PortTerm(UDP))),)
    assert verdicts(rule) == {(number(TCP), number(22)): Accept(), (number(UDP), number(53)): Drop()}
    (rule,) = mapped("vmap tcp dport {22: accept} tcp sport 1024-65535")
    assert rule.matches == (ServiceMatch((PortTerm(TCP, number(1024, 65535)),)),)


def test_fields_of_one_family_or_protocol_narrow_the_rule() -> None:
    (rule,) = mapped("vmap ip dscp {ef: jump vpn}")
    assert rule.families == IP
    (rule,) = mapped("vmap dccp type {reset: drop}")
    assert rule.matches == (ServiceMatch((PortTerm(33),)),)


def test_clauses_stand_beside() -> None:
    (rule,) = mapped('vmap tcp dport {22: accept} from wan 192.0.2.0/24 state new counter log "x: " limit 5/minute')
    assert rule.statements == (Counter(), Log("x: "))
    assert [type(one).__name__ for one in rule.matches] == [
        "InterfaceMatch", "AddressMatch", "ServiceMatch", "CtStateMatch", "Limit",
    ]  # fmt: skip


def test_a_helper_goes_with_what_is_accepted() -> None:
    (rule,) = mapped("vmap iifname {eth0: accept, eth1: drop} files")
    assert rule.statements == (AssignHelper("ftp", TCP),)
    (rule,) = mapped("vmap iifname {eth0: drop} files")
    assert rule.statements == ()


def test_a_default_that_answers_comes_after_all_ways_out() -> None:
    text = policy("'vmap tcp dport {1: return, 2: goto web, 3: jump web, 4: accept}'", head=CHAINS)
    base, *chains = read(text.replace("default: drop", "default: reject")).chains
    behind = {one.name: [rule.verdict for rule in one.rules] for one in chains if isinstance(one, RegularChain)}
    first, second, third, fourth = verdicts(base.rules[0]).values()
    assert isinstance(first, Jump)
    assert isinstance(second, Jump)
    assert behind[first.chain] == [Reject()]
    assert behind[second.chain] == [Jump("web"), Reject()]
    assert (third, fourth) == (Jump("web"), Accept())


def test_a_map_in_a_rule_that_counts_in_several_ways_keeps_its_service() -> None:
    base, *chains = read(policy("'vmap tcp dport {1: accept} counter where ipsec or fragment'")).chains
    ends = [rule for one in chains for rule in one.rules if isinstance(rule.verdict, VerdictMap)]
    assert [one.matches for one in ends] == [(TCP_ALONE,)]
    assert error("'vmap tcp dport {1: return} counter where ipsec or fragment'")[0] == "POL247"
    assert isinstance(base, BaseChain)


@pytest.mark.parametrize(
    ("words", "code", "at"),
    [
        ("tcp port {22: accept}", "POL234", "tcp port"),
        ("iif {eth0: accept}", "POL234", "iif"),
        ("iifname . iifname {eth0 . eth1: accept}", "POL234", "iifname"),
        ("tcp dport {22: accept, 20-30: drop}", "POL235", "20-30"),
        ("iifname {eth0: accept, eth*: drop}", "POL235", "eth*"),
        ("saddr {@admins: accept, 203.0.113.0/24: drop}", "POL235", "203.0.113.0/24"),
        ("saddr . dport {@admins . 1-9: accept, 203.0.113.7 . 9: drop} tcp", "POL235", "203.0.113.7 . 9"),
        ("saddr . tcp dport {192.0.2.1: accept}", "POL236", "192.0.2.1"),
        ("tcp dport {22 . 23: accept}", "POL236", "22 . 23"),
        ("ip saddr {2001:db8::1 : accept}", "POL236", "2001:db8::1"),
        ("saddr . daddr {192.0.2.1 . 2001:db8::1 : accept}", "POL236", "192.0.2.1 . 2001:db8::1"),
        ("iifname {wan: accept}", "POL236", "wan"),
        ("dport {22: accept}", "POL236", "dport"),
        ("dport {22: accept} tcp, icmp", "POL236", "dport"),
        ("meta l4proto . dport {gre . 22: accept}", "POL236", "meta l4proto . dport"),
        ("tcp dport {22: accept} udp", "POL220", "tcp dport"),
        ("tcp dport . udp sport {1 . 2: accept}", "POL220", "tcp dport . udp sport"),
        ("ip dscp . ip6 dscp {ef . ef: accept}", "POL220", "ip dscp . ip6 dscp"),
        ("oifname {eth0: accept}", "POL221", "oifname"),
        ("tcp dport {ssh: accept}", "POL115", "ssh"),
        ("saddr {192.0.2.1/24: accept}", "POL116", "192.0.2.1/24"),
        ("saddr {@none: accept}", "POL202", "@none"),
        ("iifname {an-interface-name: accept}", "POL117", "an-interface-name"),
        ("ct state {old: accept}", "POL206", "old"),
        ("meta l4proto {tpc: accept}", "POL208", "tpc"),
        ("ip dscp {efg: accept}", "POL243", "efg"),
        ("tcp dport {22: jump nowhere}", "POL245", "nowhere"),
        ("meta skuid {0: accept}", "POL241", "meta skuid"),
    ],
)
def test_errors(words: str, code: str, at: str) -> None:
    found, _, text = error(f"'vmap {words}'")
    assert (found, text) == (code, at)


def test_a_group_that_is_filled_at_run_time_cannot_be_an_element() -> None:
    head = "addresses: {banned: {dynamic: true}}\n"
    assert codes(policy("'vmap saddr {@banned: drop}'", head=head)) == ["POL244"]


def test_every_pair_is_told_with_both_places() -> None:
    found = errors(policy("'vmap tcp dport {1-9: accept, 5: drop, 7-12: drop, 20: drop, 20: accept}'"))
    assert [(one.code, [label.span.text for label in one.labels]) for one in found] == [
        ("POL235", ["5", "1-9"]), ("POL235", ["7-12", "1-9"]), ("POL235", ["20", "20"]),
    ]  # fmt: skip


def test_the_same_addresses_in_both_families_are_told_once() -> None:
    assert codes(policy("'vmap saddr {@admins: accept, @admins: drop}'", head=HEAD)) == ["POL235"]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("tcp dport", "`dport` needs values in braces", "vmap tcp dport {22: accept"),
        ("tcp dport {", "a map has elements", "where it leads"),
        ("tcp dport {22}", "`22` needs a colon, and where it leads, found `}`", "`22: accept`"),
        ("tcp dport {22:accept}", "`22:accept` needs a colon, and where it leads, found `}`", "`22: accept`"),
        ("saddr {2001:db8::1: drop}", "`2001:db8::1:` needs a colon, and where it leads, found `drop`", "both sides"),
        ("tcp dport {22: reject}", "a value of a map leads to a verdict, found `reject`", "jump to a chain"),
        ("tcp dport {22: allow}", "a value of a map leads to a verdict, found `allow`", "did you mean `accept`?"),
        ("tcp dport {22: accept 23: drop}", "between the elements of a map stands a comma, found `23`", ""),
        ("tcp dport {22: accept", "this map has no end", "`}`"),
        ("saddr . {1: drop}", "something is missing after ` . `, found `{`", "joins two parts"),
    ],
)
def test_syntax(words: str, message: str, hint: str) -> None:
    (one,) = errors(policy(f"'vmap {words}'"))
    assert (one.code, one.message) == ("POL110", message)
    assert hint in one.help


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("vmap: iifname", "POL112"),
        ("vmap: iifname, verdicts: {}", "POL106"),
        ("vmap: iifname, verdicts: {eth0: accept}, verdict: drop", "POL112"),
        ("vmap: iifname, verdicts: {eth0: allow}", "POL110"),
        ("vmap: iifname, verdicts: {eth0: 5}", "POL102"),
        ("vmap: iifname {, verdicts: {eth0: accept}", "POL110"),
        ("verdicts: {eth0: accept}, log: x", "POL112"),
        ("mark: {set: {map: iifname, to: {eth0: 1}}, mask: 5}", "POL112"),
        ("verdict: accept, target: {map: tcp dport, to: {80: 192.0.2.1}}", "POL112"),
    ],
)
def test_mappings_that_are_none(keys: str, code: str) -> None:
    text = policy(f"{{{keys}}}".replace("iifname {,", '"iifname {",'))
    assert codes(text) == [code]


def nat(rule: str) -> list[tuple[NatMap, frozenset[Family], tuple[object, ...]]]:
    (chain,) = read(f"polc: 1\n{HEAD}nat: ['{rule}']\n").chains
    found = []
    for one in chain.rules:
        assert isinstance(one.verdict, NatMap)
        found.append((one.verdict, one.families, one.matches))
    return found


def target(text: str, ports: tuple[int, int] | None = None) -> NatTarget:
    return NatTarget(address(text) if text else None, number(*ports) if ports else None)


def test_targets_by_port() -> None:
    ((verdict, families, matches),) = nat("dnat -> map tcp dport {80: 192.0.2.10:8080, 443: 192.0.2.11:1-9} random")
    assert verdict == NatMap(
        NatKind.DNAT,
        (Transport.DPORT,),
        (
            ((number(80),), target("192.0.2.10", (8080, 8080))),
            ((number(443),), target("192.0.2.11", (1, 9))),
        ),
        Family.IP,
        random=True,
    )
    assert (families, matches) == (IP, (TCP_ALONE,))


def test_a_port_that_is_not_written_is_that_of_the_packet() -> None:
    ((verdict, _, _),) = nat("dnat tcp -> map dport {80: 192.0.2.10:8080, 443: 192.0.2.11}")
    assert verdict.elements[1] == ((number(443),), target("192.0.2.11", (443, 443)))
    ((verdict, _, _),) = nat("dnat tcp -> map dport {80: 192.0.2.10, 90-99: 192.0.2.11}")
    assert [one.ports for _, one in verdict.elements] == [None, None]


def test_targets_by_address() -> None:
    ((verdict, families, _),) = nat("snat to wan -> map saddr {192.0.2.0/25: 203.0.113.1, 192.0.2.128/25: 203.0.113.2}")
    assert (verdict.kind, verdict.key, verdict.family, families) == (NatKind.SNAT, (Side.SADDR,), Family.IP, IP)


def test_targets_of_both_families() -> None:
    (v4, of_v4, _), (v6, of_v6, _) = nat("dnat tcp -> map dport {80: 192.0.2.1, 81: 2001:db8::1, 80: 2001:db8::2}")
    assert (v4.family, of_v4, len(v4.elements)) == (Family.IP, IP, 1)
    assert (v6.family, of_v6, len(v6.elements)) == (Family.IP6, IP6, 2)


def test_redirects_to_ports() -> None:
    ((verdict, families, _),) = nat("redirect -> map tcp dport {80: :3128, 443: :3129} persistent")
    assert (verdict.kind, verdict.family, verdict.persistent, families) == (NatKind.REDIRECT, None, True, BOTH)
    assert verdict.elements[0] == ((number(80),), target("", (3128, 3128)))


@pytest.mark.parametrize(
    ("rule", "code", "at"),
    [
        ("dnat tcp -> map dport {80: none}", "POL248", "none"),
        ("dnat tcp -> map dport {80: :80}", "POL248", ":80"),
        ("redirect tcp -> map dport {80: 192.0.2.1}", "POL248", "192.0.2.1"),
        ("dnat tcp -> map dport {80: 192.0.2.1:1, 90-91: 192.0.2.2}", "POL248", "192.0.2.2"),
        ("dnat -> map saddr {192.0.2.1: 192.0.2.2:80}", "POL248", "map saddr {192.0.2.1: 192.0.2.2:80}"),
        ("masquerade -> map saddr {192.0.2.1: 192.0.2.2}", "POL248", "map saddr {192.0.2.1: 192.0.2.2}"),
        ("dnat tcp fully-random -> map dport {80: 192.0.2.1}", "POL248", "fully-random"),
        ("dnat -> map saddr {192.0.2.1: 2001:db8::1}", "POL236", "192.0.2.1"),
        ("dnat tcp -> map dport {80: 192.0.2.1, 70-80: 192.0.2.2}", "POL235", "70-80"),
        ("dnat tcp -> map dport {80: 192.0.2.256}", "POL116", "192.0.2.256"),
        ("dnat tcp -> map oifname {eth0: 192.0.2.1}", "POL221", "oifname"),
        ("dnat tcp -> map dport {80: accept}", "POL110", "accept"),
    ],
)
def test_targets_that_are_none(rule: str, code: str, at: str) -> None:
    (one,) = errors(f"polc: 1\n{HEAD}nat: ['{rule}']\n")
    assert (one.code, one.span and one.span.text) == (code, at)


def test_marks_are_looked_up() -> None:
    (rule,) = rules("'mark set map iifname {eth0: 1, eth1: 0x2} tcp/80 counter'")
    elements = tuple(((InterfacePattern(f"eth{one}"),), one + 1) for one in range(2))
    assert rule.statements == (Counter(), MapMark(MarkField.META, (Direction.IN,), elements))
    assert rule.verdict is None
    v4, v6 = rules("'accept ct mark set map saddr {@admins: 7}'")
    assert (v4.families, v6.families) == (IP, IP6)
    assert isinstance(v4.statements[0], MapMark)
    assert (v4.statements[0].field, v4.verdict) == (MarkField.CT, Accept())


def test_a_rule_may_look_up_more_than_one_thing() -> None:
    (rule,) = mapped("vmap iifname {eth0: accept} mark set map tcp dport {80: 1} ct mark set map saddr {192.0.2.1: 2}")
    assert (rule.families, rule.matches) == (IP, (TCP_ALONE,))
    assert [type(one).__name__ for one in rule.statements] == ["MapMark", "MapMark"]


@pytest.mark.parametrize(
    ("rule", "code", "at"),
    [
        ("mark set map iifname {eth0: red}", "POL121", "red"),
        ("mark set map iifname {eth0: 4294967296}", "POL121", "4294967296"),
        ("mark set map saddr {192.0.2.1: 1} from 2001:db8::1", "POL220", ""),
    ],
)
def test_marks_that_are_none(rule: str, code: str, at: str) -> None:
    found, _, text = error(f"'{rule}'")
    assert found == code
    assert text == (at or rule)
