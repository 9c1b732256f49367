"""Rules of one family in a policy of both, and rules of both."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import table
from lifting import block, listed, of_both


def test_what_both_say_is_said_once() -> None:
    line = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"
    policy = of_both(table(line), table(line))
    assert block(policy.text, "settings") == []
    assert listed(policy.text, "input") == ["accept ssh"]


def test_what_one_says_is_said_to_be_of_it() -> None:
    ip = table("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -s 192.0.2.1/32 -j DROP", "-A INPUT -j REJECT")
    ip6 = table("-A INPUT -p udp -j ACCEPT", "-A INPUT -j REJECT --reject-with icmp6-addr-unreachable")
    assert listed(of_both(ip, ip6).text, "input") == [
        "accept ssh where meta nfproto ipv4",
        "drop from 192.0.2.1",
        "reject where meta nfproto ipv4",
        "accept udp where meta nfproto ipv6",
        "reject with addr-unreachable where meta nfproto ipv6",
    ]


def test_addresses_of_both_are_one_list() -> None:
    ip, ip6 = (
        table(f"-A INPUT -s {one} -p tcp -m tcp --dport 22 -j ACCEPT") for one in ("192.0.2.0/24", "2001:db8::/32")
    )
    assert listed(of_both(ip, ip6).text, "input") == ["accept ssh from 192.0.2.0/24, 2001:db8::/32"]


def test_icmp_of_both_is_one_service() -> None:
    ip = table("-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT")
    ip6 = table("-A INPUT -p icmpv6 -m icmp6 --icmpv6-type 128 -j ACCEPT")
    assert listed(of_both(ip, ip6).text, "input") == ["accept ping"]


def test_comments_keep_rules_apart() -> None:
    ip, ip6 = (
        table(f"-A INPUT -s {one} -m comment --comment {one[0]} -j ACCEPT") for one in ("1.2.3.4/32", "2001:db8::/32")
    )
    assert len(listed(of_both(ip, ip6).text, "input")) == 2


def test_rules_of_the_other_family_between_are_no_matter() -> None:
    sets = (
        "create bad hash:net family inet\nadd bad 192.0.2.0/24\n"
        "create bad6 hash:net family inet6\nadd bad6 2001:db8::/32\n"
    )
    bad = "-A INPUT -m set --match-set {} src -j DROP"
    four = table(bad.format("bad"), "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -p gre -j ACCEPT")
    six = table(bad.format("bad6"), "-A INPUT -p esp -j ACCEPT", "-A INPUT -p gre -j ACCEPT")
    text = of_both(four, six, sets).text
    assert block(text, "addresses") == ['bad: [192.0.2.0/24, "2001:db8::/32"]']
    assert listed(text, "input") == [
        "drop from @bad",
        "accept ssh from eth0 where meta nfproto ipv4",
        "accept proto esp where meta nfproto ipv6",
        "accept proto gre",
    ]
    # It goes past no rule of its own family.
    six = table("-A INPUT -p esp -j ACCEPT", bad.format("bad6"), "-A INPUT -p gre -j ACCEPT")
    assert len(listed(of_both(four, six, sets).text, "input")) == 5
