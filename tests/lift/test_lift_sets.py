"""Named sets: groups of the policy, filled ones where rules or somebody's hands fill them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import import_all, table
from lifting import block, lifted, listed

from polc.lift import lift

NETS = "create nets hash:net family inet\nadd nets 192.0.2.0/25\nadd nets 198.51.100.7\n"


def test_what_nothing_changes_is_what_it_holds() -> None:
    policy = lifted(table("-A INPUT -m set ! --match-set nets src -j DROP"), NETS)
    assert block(policy.text, "addresses") == ["nets: [192.0.2.0/25, 198.51.100.7]"]
    assert listed(policy.text, "input") == ["drop from not @nets"]
    (note,) = policy.notes
    assert (note.code, note.span and note.span.text) == ("POL541", "create nets hash:net family inet")


def test_what_is_empty_is_there_to_be_filled() -> None:
    policy = lifted(
        table("-A INPUT -m set --match-set f2b-sshd src -j DROP"), "create f2b-sshd hash:ip family inet timeout 600\n"
    )
    (group,) = block(policy.text, "addresses")
    assert group.startswith("f2b-sshd: {dynamic: true, timeout: 10m")
    assert listed(policy.text, "input") == ["drop from @f2b-sshd"]
    assert policy.sets == {"f2b-sshd": "f2b-sshd-v4"}
    assert "the set `f2b-sshd` is called `f2b-sshd-v4` now" in policy.notes[0].message


def test_what_rules_fill_keeps_its_elements() -> None:
    sets = "create seen hash:ip family inet\nadd seen 192.0.2.1\n"
    lines = [
        "-A INPUT -p udp -m udp --dport 9 -j SET --add-set seen src",
        "-A INPUT -m set --match-set seen dst -j DROP",
    ]
    policy = lifted(table(*lines), sets)
    (group,) = block(policy.text, "addresses")
    assert group == "seen: {dynamic: true, size: 65536, elements: [192.0.2.1]}"
    assert listed(policy.text, "input") == ["ban @seen udp/9", "drop to @seen"]
    destinations = [lines[0].replace("seen src", "seen dst --exist --timeout 60")]
    policy = lifted(table(*destinations), sets.replace("inet\n", "inet timeout 600\n", 1))
    assert listed(policy.text, "input") == ["ban @seen 1m per destination udp/9"]


def test_groups_of_networks() -> None:
    sets = "create nets hash:net family inet timeout 600\nadd nets 192.0.2.0/25\n"
    (group,) = block(lifted(table("-A INPUT -m set --match-set nets src -j DROP"), sets).text, "addresses")
    assert group == "nets: {dynamic: true, timeout: 10m, size: 65536, networks: true, elements: [192.0.2.0/25]}"


def test_concatenations_are_maps_of_their_verdict() -> None:
    sets = "create pairs hash:ip,port family inet\nadd pairs 192.0.2.1,tcp:22\nadd pairs 192.0.2.2,udp:53\n"
    line = "-A INPUT -m set --match-set pairs src,dst -j"
    text = lifted(table(f"{line} ACCEPT"), sets).text
    assert listed(text, "input") == [
        '"vmap saddr . meta l4proto . dport {192.0.2.1 . tcp . 22: accept, 192.0.2.2 . udp . 53: accept}"'
    ]
    policy = lifted(table(f"{line} LOG", f"{line} REJECT"), sets)
    assert listed(policy.text, "chains") == ['log ""', "reject"]
    assert "192.0.2.1 . tcp . 22: jump input-below-1" in listed(policy.text, "input")[0]


def test_addresses_and_a_set_of_one_side_are_asked_one_after_the_other() -> None:
    sets = "create bad hash:ip family inet\n"
    line = "-A INPUT -s 192.0.2.0/24 -m set --match-set bad src -p tcp -j"
    policy = lifted(table(f"{line} DROP"), sets)
    assert listed(policy.text, "chains") == ["drop from 192.0.2.0/24"]
    assert listed(policy.text, "input") == ["jump input-below-1 tcp from @bad"]
    refused = "-A INPUT -s 192.0.2.0/24 -m set ! --match-set bad src -p tcp -j DROP"
    assert lifted(table(refused), sets).text


def test_a_rule_that_leaves_its_chain_is_gone_to_with_all_that_follows() -> None:
    sets = "create bad hash:ip family inet\n"
    lines = [
        "-A one -p udp -j ACCEPT",
        "-A one -s 192.0.2.0/24 -m set --match-set bad src -j RETURN",
        "-A one -p tcp -j DROP",
        "-A INPUT -j one",
        "-A INPUT -p icmp -j DROP",
    ]
    policy = lifted(table(*lines, chains="one"), sets)
    assert block(policy.text, "chains") == [
        "one:", "- accept udp", "- goto one-below-2 from @bad", "- goto one-below-1",
        "one-below-2:", "- return from 192.0.2.0/24", "- goto one-below-1",
        "one-below-1:", "- drop tcp",
    ]  # fmt: skip


def test_sets_of_a_name_and_its_families_are_one_group() -> None:
    sets = "create bad-v4 hash:ip family inet timeout 600\ncreate bad-v6 hash:ip family inet6 timeout 600\n"
    from lifting import of_both

    rules = [table(f"-A INPUT -m set --match-set bad-{family} src -j DROP") for family in ("v4", "v6")]
    policy = of_both(*rules, sets)
    assert listed(policy.text, "input") == ["drop from @bad"]
    assert len(block(policy.text, "addresses")) == 1
    assert policy.sets == {"bad-v4": "bad-v4", "bad-v6": "bad-v6"}
    apart = of_both(*(one.replace("bad-", "bad") for one in rules), sets.replace("bad-", "bad"))
    assert listed(apart.text, "input") == [
        "drop from @badv4 where meta nfproto ipv4", "drop from @badv6 where meta nfproto ipv6",
    ]  # fmt: skip


def test_sets_of_ports_are_services() -> None:
    sets = "create ports bitmap:port range 1-100\nadd ports 22\nadd ports 80-81\n"
    line = "-A INPUT -p tcp -m set --match-set ports dst -j ACCEPT"
    assert listed(lifted(table(line), sets).text, "input") == ["accept tcp/22,80-81"]
    # Whoever fills a set of ports would find no group of them.
    (ruleset,), _ = import_all(table(line), "create ports bitmap:port range 1-100\n")
    (refused,) = lift(ruleset).refused
    assert "the set `ports` has other keys than single addresses" in refused.message
    assert refused.span
    assert refused.span.text == line


def test_what_nothing_uses_is_told() -> None:
    policy = lifted(table("-A INPUT -j ACCEPT"), "create ports bitmap:port range 1-100\n")
    assert "nothing uses the set `ports`" in policy.notes[0].message


def test_hundreds_of_rules_that_leave_their_chain() -> None:
    ports = [f"-p tcp -m tcp --dport {number + 1}" for number in range(600)]
    lines = [f"-A one -s 192.0.2.1/32 {port} -m set --match-set bad src -j RETURN" for port in ports]
    (ruleset,), _ = import_all(
        table("-A INPUT -j one", *lines, "-A one -j DROP", chains="one"), "create bad hash:ip family inet\n"
    )
    policy = lift(ruleset)
    assert not policy.refused
    assert policy.text.count("from 192.0.2.1") == 600
