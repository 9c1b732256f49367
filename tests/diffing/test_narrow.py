"""What is left out of two rulesets that are much alike; and of which sets it is known what is in them."""

from __future__ import annotations

from between import between, side

from polc.diffing.contents import known_contents
from polc.diffing.narrow import narrowed
from polc.diffing.sentences import sentences
from polc.ir.ruleset import Ruleset

SAVE = """\
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:low - [0:0]
-A INPUT -s 192.0.2.0/24 -j ACCEPT
-A INPUT -p tcp --dport 22 -j low
-A INPUT -p tcp --dport 80 -j ACCEPT
-A INPUT -p udp --dport 53 -j ACCEPT
-A INPUT -p udp -m limit --limit 5/min -j ACCEPT
-A low -s 198.51.100.0/24 -j ACCEPT
-A low -j DROP
COMMIT
"""


def rulesets(text: str) -> tuple[Ruleset, ...]:
    return side(text, "rules.v4").rulesets


def left(one: Ruleset) -> dict[str, int]:
    return {chain.name: len(chain.rules) for chain in one.chains if chain.rules}


def test_the_same_is_nothing() -> None:
    assert narrowed(rulesets(SAVE), rulesets(SAVE)) is None
    # Counters that count from elsewhere are no difference.
    counted = SAVE.replace("-A INPUT -p tcp --dport 80", "[7:900] -A INPUT -p tcp --dport 80")
    assert narrowed(rulesets(SAVE), rulesets(counted)) is None


def test_rules_that_no_changed_packet_meets_are_left_out() -> None:
    changed = SAVE.replace("--dport 80", "--dport 443")
    pair = narrowed(rulesets(SAVE), rulesets(changed))
    assert pair is not None
    # Of input the changed rule, whatever speaks of all services, the jump, and the one that counts.
    assert [left(side[0]) for side in pair] == [{"input": 4, "low": 2}] * 2 or [
        sum(left(side[0]).values()) for side in pair
    ] == [6, 6]


def test_another_policy_keeps_all() -> None:
    changed = SAVE.replace(":FORWARD ACCEPT", ":FORWARD DROP")
    pair = narrowed(rulesets(SAVE), rulesets(changed))
    assert pair == (rulesets(SAVE), rulesets(changed))


def test_where_packets_are_changed_on_their_way_all_is_kept() -> None:
    nat = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80\nCOMMIT\n"
    changed = SAVE.replace("--dport 80", "--dport 443")
    assert narrowed(rulesets(nat + SAVE), rulesets(nat + changed)) == (rulesets(nat + SAVE), rulesets(nat + changed))


SETS = """\
table inet t {{
  set listed {{ type ipv4_addr; flags interval; elements = {{ {elements} }} }}
  set filled {{ type ipv4_addr; flags timeout; timeout 1h; }}
  chain input {{
    type filter hook input priority 0; policy drop;
    ip saddr @filled drop
    ip saddr @listed accept
    tcp dport 22 update @filled {{ ip saddr }}
  }}
}}
"""


def test_what_is_known_of_sets() -> None:
    one = side(SETS.format(elements="192.0.2.0/24"), "rules.nft")
    known = known_contents(one.rulesets, ())
    assert set(known) == {"listed"}
    assert set(known_contents(one.rulesets, {"filled"})) == {"listed", "filled"}


def test_listed_elements_are_compared() -> None:
    before, after = (
        side(SETS.format(elements=elements), "rules.nft").rulesets
        for elements in ("192.0.2.0/24", "192.0.2.0/24, 198.51.100.7")
    )
    assert sentences(before, before) == ()
    assert sentences(before, after) == ("drop => accept: any -> host, any from 198.51.100.7, saddr not in @filled",)


def test_sets_stand_for_what_is_in_them() -> None:
    """A policy's group, and the set that it is somewhere else."""
    listed = side(SETS.format(elements="192.0.2.0/24"), "rules.nft").rulesets
    written = SETS.format(elements="198.51.100.1").replace("@listed", "192.0.2.0/24")
    assert sentences(listed, side(written, "rules.nft").rulesets) == ()


def test_nat_is_followed_to_the_rules_behind_it() -> None:
    head = (
        "zones: {wan: eth0, dmz: eth2}\nforward: {default: drop, rules: [accept tcp/80 from wan to dmz 192.0.2.10]}\n"
    )
    before = head + "nat: [dnat tcp/8080 from wan to 203.0.113.1 -> 192.0.2.10:80]\n"
    found = between(head, before)
    assert [(one.change.before, one.change.after) for one in found.regions] == [
        ("drop", "accept"), ("no nat", "dnat to 192.0.2.10:80"),
    ]  # fmt: skip
    region = found.regions[0]
    witness = region.witness
    assert witness is not None
    assert witness.packet == "tcp 198.51.100.7:40000 -> 203.0.113.1:8080 in eth0 out eth2"
    assert witness.after.nat.endswith("becomes 198.51.100.7:40000 -> 192.0.2.10:80")
    assert [one.words for one in witness.after.rules] == [
        "accept tcp/80 from wan to dmz 192.0.2.10", "dnat tcp/8080 from wan to 203.0.113.1 -> 192.0.2.10:80",
    ]  # fmt: skip
