"""Rules of iptables in the words of the language."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import table
from lifting import block, lifted, listed

from polc.ir.family import Family

RULES: dict[str, str] = {
    # Services
    "-p tcp -m tcp --dport 22 -j ACCEPT": "accept ssh",
    "-p udp -m udp --dport 53 -j ACCEPT": "accept udp/53",
    "-p tcp -m multiport --dports 80,443 -j ACCEPT": "accept http, https",
    "-p tcp -m multiport --dports 80,443,8000:8080 -j ACCEPT": "accept tcp/80,443,8000-8080",
    "-p udp -m udp --sport 67:68 --dport 67:68 -j ACCEPT": "accept udp/67-68 sport 67-68",
    "-p tcp -m tcp --dport 0:65535 -j ACCEPT": "accept tcp/0-65535",
    "-p tcp -j ACCEPT": "accept tcp",
    "-p gre -j ACCEPT": "accept proto gre",
    "-p 253 -j ACCEPT": "accept proto 253",
    "! -p tcp -j ACCEPT": "accept where meta l4proto != tcp",
    "-p icmp -m icmp --icmp-type 8 -j ACCEPT": "accept ping",
    "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT": "accept icmp/destination-unreachable/4",
    "-p tcp -m multiport --ports 53 -j ACCEPT": "accept tcp-53",
    # Ends
    "-i lo -j ACCEPT": "use loopback",
    "-i eth0 -s 192.0.2.0/24 -j ACCEPT": "accept from eth0 192.0.2.0/24",
    "! -i ppp+ ! -d 192.0.2.1/32 -j ACCEPT": "accept from not ppp to not 192.0.2.1",
    "-i eth0.100 -j ACCEPT": "accept from eth0-100",
    "-m iprange --src-range 192.0.2.3-192.0.2.9 -j DROP": "drop from 192.0.2.3-192.0.2.9",
    "-s 192.0.2.0/24 -m iprange ! --src-range 192.0.2.3-192.0.2.9 -j DROP": (
        "drop from 192.0.2.0-192.0.2.2, 192.0.2.10-192.0.2.255"
    ),
    # State, and what `where` asks
    "-m conntrack --ctstate NEW,UNTRACKED -j ACCEPT": "accept state new,untracked",
    "-m conntrack ! --ctstate INVALID -j ACCEPT": "accept state new,established,related,untracked",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP": "drop tcp where tcp flags syn / fin, syn, rst, ack",
    "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP": "drop tcp where tcp flags != syn / fin, syn, rst, ack",
    "-p tcp -m tcp --tcp-flags SYN,ACK NONE -j DROP": "drop tcp where not tcp flags syn, ack",
    "-m conntrack --ctstatus EXPECTED -j ACCEPT": "accept where ct status expected",
    "-m mark --mark 0x10/0xf0 -j ACCEPT": "accept where meta mark & 0xf0 == 0x10",
    "-m mark ! --mark 0x1 -j ACCEPT": "accept where meta mark != 1",
    "-m ttl --ttl-lt 5 -j DROP": "drop where ip ttl < 5",
    "-m length --length 1400:65535 -j DROP": "drop where meta length 1400-65535",
    "-m dscp --dscp 0x2e -j ACCEPT": "accept where ip dscp ef",
    "-m addrtype --dst-type LOCAL,BROADCAST -j ACCEPT": "accept where fib daddr type local, broadcast",
    "-m addrtype ! --dst-type LOCAL --limit-iface-in -j DROP": "drop where fib daddr . iif type != local",
    "-m mac --mac-source 02:00:5e:00:53:01 -j ACCEPT": "accept where ether saddr 02:00:5e:00:53:01",
    "-m helper --helper ftp -j ACCEPT": "accept where ct helper ftp",
    "-m pkttype --pkt-type broadcast -j DROP": "drop where meta pkttype broadcast",
    "-m conntrack --ctorigdst 203.0.113.1 -j ACCEPT": "accept where ct original daddr 203.0.113.1",
    "-m conntrack --ctdir REPLY -j ACCEPT": "accept where ct direction reply",
    "-m time --timestart 08:00:00 --timestop 17:59:59 --weekdays Mon,Tue -j ACCEPT": (
        "accept where meta hour 08:00-17:59:59 and meta day monday-tuesday"
    ),
    "-f -j DROP": "drop where fragment",
    "-m socket --transparent --nowildcard -j ACCEPT": "accept where socket",
    "-p tcp -m tcp --tcp-option 4 -j ACCEPT": "accept tcp where tcp option sack-perm exists",
    # What hangs on what came before
    "-m limit --limit 10/min -j ACCEPT": "accept limit 10/minute",
    "-m limit --limit 10/hour --limit-burst 3 -j ACCEPT": "accept limit 10/hour burst 3",
    "-p tcp -m tcp --dport 22 -m hashlimit --hashlimit-above 10/min --hashlimit-burst 10 --hashlimit-mode srcip"
    " --hashlimit-name x --hashlimit-htable-expire 600000 -j DROP": "drop ssh over 10/minute burst 10 per source",
    "-m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip,dstip --hashlimit-srcmask 24 --hashlimit-name x"
    " --hashlimit-htable-max 500 -j ACCEPT": "accept limit 5/second per source/24,destination size 500",
    "-p tcp --syn -m connlimit --connlimit-above 20 --connlimit-mask 24 -j DROP": (
        "drop tcp where tcp flags syn / fin, syn, rst, ack connections over 20 per source/24"
    ),
    "-m quota --quota 1048576 -j ACCEPT": "accept quota upto 1 mbytes",
    "-m recent --update --seconds 60 --hitcount 4 --name SSH -j DROP": "drop recent update SSH in 1m hitcount 4",
    "-m recent ! --rcheck --rttl --name a.b --rdest -j DROP": (
        'drop recent not rcheck "a.b" per destination flags ttl'
    ),
    "-m recent --set": "recent set DEFAULT",
    "-m statistic --mode nth --every 3 --packet 1 -j DROP": "drop nth 3 packet 1",
    "-m statistic --mode random --probability 0.25000000000 -j DROP": "drop probability 0.25",
    "-m statistic --mode random ! --probability 0.25000000000 -j DROP": "drop probability 0.75",
    # Verdicts and effects
    "-j REJECT --reject-with icmp-port-unreachable": "reject",
    "-j REJECT --reject-with icmp-net-unreachable": "reject with net-unreachable",
    "-p tcp -j REJECT --reject-with tcp-reset": "reject with tcp-reset tcp",
    "-j NFQUEUE --queue-balance 0:3 --queue-bypass": "queue 0-3 flags bypass",
    '-j LOG --log-prefix "in: " --log-level 6 --log-tcp-options': "'log \"in: \" level info flags tcp-options'",
    "-j NFLOG --nflog-group 5 --nflog-threshold 3": 'log "" group 5 queue-threshold 3',
    "-s 192.0.2.1/32 -p tcp": "counter tcp from 192.0.2.1",
    '-p tcp -m tcp --dport 22 -m comment --comment "the admin\'s" -j ACCEPT': 'accept ssh comment "the admin\'s"',
    '-m comment --comment "a: b" -j ACCEPT': "'accept comment \"a: b\"'",
    # Words that nobody has
    "-p tcp -m tcp --dport 80 -m string --string probe --algo bm -j DROP": (
        "{rule: drop http, native: {iptables: '-m string --string \"probe\" --algo bm'}}"
    ),
}


@pytest.mark.parametrize("line", RULES)
def test_a_rule(line: str) -> None:
    text = lifted(table(f"-A INPUT {line}")).text
    assert listed(text, "input") == [RULES[line]]


def test_words_of_a_target_stand_beside_those_of_the_language() -> None:
    line = "-A INPUT -p tcp -m tcp --dport 80 -m string --string probe --algo bm -j odd"
    policy = lifted(table(line, "-A odd -j DROP", chains="odd"))
    (native,) = policy.natives
    assert listed(policy.text, "input") == [
        "{rule: jump odd http, native: {iptables: '-m string --string \"probe\" --algo bm'}}"
    ]
    assert (native.chain, native.words) == ("input", "jump odd http")
    assert native.reason
    assert native.span
    assert native.span.line == 3


def test_each_line_knows_where_it_came_from() -> None:
    lines = ["-A POSTROUTING -m u32 --u32 0x0=0x1 -j ACCEPT", "-A POSTROUTING -p udp -j CHECKSUM --checksum-fill"]
    policy = lifted(table(*lines, name="mangle"))
    assert [one.span and one.span.text for one in policy.natives] == lines
    assert block(policy.text, "mangle")[-2:] == [
        "- {rule: accept, native: {iptables: '-m u32 --u32 \"0x0=0x1\"'}}",
        '- {rule: counter udp, native: {iptables: "-j CHECKSUM --checksum-fill"}}',
    ]


def test_zones_are_named_as_their_interfaces() -> None:
    lines = [f"-A FORWARD -i {name} -j ACCEPT" for name in ("eth0", "br-lan", "eth0.5", "wg+", "accept", "1st", "lo")]
    text = lifted(table(*lines)).text
    assert block(text, "zones") == [
        "eth0: eth0",
        "br-lan: br-lan",
        "eth0-5: eth0.5",
        "wg: wg*",
        "accept-zone: accept",
        "n-1st: 1st",
    ]


def test_the_side_that_addresses_are_hidden_behind_is_the_wan() -> None:
    nat = "*nat\n-A POSTROUTING -s 192.0.2.0/24 -o {} -j MASQUERADE\nCOMMIT\n"
    forward = "*filter\n-A FORWARD -i {} -o eth0 -j ACCEPT\nCOMMIT\n"

    def zones(*texts: str) -> list[str]:
        return sorted(block(lifted("".join(texts)).text, "zones"))

    assert zones(nat.format("eth0"), forward.format("eth1")) == ["lan: eth1", "wan: eth0"]
    # Names that say what is there stay, and of several cards none is the one.
    assert zones(nat.format("eth0"), forward.format("br-lan")) == ["br-lan: br-lan", "wan: eth0"]
    assert zones(nat.format("docker0"), forward.format("eth1")) == ["docker0: docker0", "eth0: eth0", "eth1: eth1"]
    more = forward.format("eth1").replace("COMMIT", "-A FORWARD -i eth2 -j DROP\nCOMMIT")
    assert zones(nat.format("eth0"), more) == ["eth1: eth1", "eth2: eth2", "wan: eth0"]
    two = nat.replace("COMMIT", "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT")
    assert zones(two.format("eth0")) == ["eth0: eth0", "eth1: eth1"]


def test_rows_of_addresses_are_one_rule() -> None:
    ssh = "-A INPUT -s {} -p tcp -m tcp --dport 22 -j ACCEPT"
    some = [ssh.format(f"192.0.2.{number}/32") for number in (1, 3)]
    assert listed(lifted(table(*some)).text, "input") == ["accept ssh from 192.0.2.1, 192.0.2.3"]
    text = lifted(table(*some, *(ssh.format(f"198.51.100.{number}/32") for number in (1, 3)))).text
    assert block(text, "addresses") == ["ssh-hosts: [192.0.2.1, 192.0.2.3, 198.51.100.1, 198.51.100.3]"]
    assert listed(text, "input") == ["accept ssh from @ssh-hosts"]
    # What is between them, what they say besides, and what would happen twice.
    comment = some[1].replace("-j", "-m comment --comment mine -j")
    both = [some[0].replace("-j", "-m comment --comment mine -j"), comment]
    assert listed(lifted(table(*both)).text, "input") == ['accept ssh from 192.0.2.1, 192.0.2.3 comment "mine"']
    limited = [one.replace("-j", "-m limit --limit 1/min -j") for one in some]
    between = [some[0], "-A INPUT -s 192.0.2.0/24 -j DROP", some[1]]
    for lines in ([some[0], comment], limited, between):
        assert len(listed(lifted(table(*lines)).text, "input")) == len(lines)
    jumps = [f"-A INPUT -s 192.0.2.{net} -j one" for net in ("0/25", "128/25")]
    assert listed(lifted(table(*jumps, "-A one -j LOG", chains="one")).text, "input") == ["jump one from 192.0.2.0/24"]
    jumps[1] = "-A INPUT -s 192.0.2.0/24 -j one"
    assert len(listed(lifted(table(*jumps, "-A one -j LOG", chains="one")).text, "input")) == 2


def test_a_rule_that_was_there_before_is_left_out() -> None:
    ssh, web = (f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in (22, 80))
    assert listed(lifted(table(ssh, web, ssh)).text, "input") == ["accept ssh", "accept http"]
    log = "-A INPUT -p tcp -m tcp --dport 22 -j LOG"
    assert len(listed(lifted(table(log, web, log)).text, "input")) == 3
    marked = ["-A PREROUTING -m mark --mark 1 -j ACCEPT", "-A PREROUTING -p tcp -j MARK --set-mark 1"]
    assert lifted(table(*marked, marked[0], name="mangle")).text.count("accept where meta mark 1") == 2


def test_sets_of_addresses_have_names_where_they_are_large_or_come_again() -> None:
    few = "192.0.2.1-192.0.2.2"
    lines = [f"-A INPUT -m iprange --src-range {few} -j ACCEPT", f"-A INPUT -m iprange --dst-range {few} -j ACCEPT"]
    text = lifted(table(*lines)).text
    assert block(text, "addresses") == []
    ipset = "create admins hash:net family inet\n" + "".join(f"add admins 192.0.2.{n}\n" for n in (1, 3, 5, 7))
    text = lifted(table("-A INPUT -m set --match-set admins src -j ACCEPT"), ipset).text
    assert block(text, "addresses") == ["admins: [192.0.2.1, 192.0.2.3, 192.0.2.5, 192.0.2.7]"]
    assert listed(text, "input") == ["accept from @admins"]


def test_ports_have_names_where_they_are_many_and_come_again() -> None:
    ports = "1,3,5,7,9,11,13,15,17"
    lines = [f"-A INPUT -i eth{n} -p tcp -m multiport --dports {ports} -j ACCEPT" for n in (0, 1)]
    text = lifted(table(*lines)).text
    assert block(text, "services") == [f"tcp-ports: tcp/{ports}"]
    assert listed(text, "input") == ["accept tcp-ports from eth0", "accept tcp-ports from eth1"]
    assert block(lifted(table(lines[0])).text, "services") == []


def test_two_protocols_of_one_service_are_one_rule() -> None:
    rules = ["-A INPUT -p udp -m udp --dport 53 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 53 -j ACCEPT"]
    assert listed(lifted(table(*rules)).text, "input") == ["accept dns"]
    apart = [rules[0], "-A INPUT -p tcp -m tcp --dport 53 -j DROP"]
    assert listed(lifted(table(*apart)).text, "input") == ["accept udp/53", "drop tcp/53"]


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        (
            ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-m conntrack --ctstate INVALID -j DROP"],
            ["use stateful"],
        ),
        (["-m state --state INVALID -j DROP", "-m state --state ESTABLISHED,RELATED -j ACCEPT"], ["use stateful"]),
        (["-m state --state ESTABLISHED,RELATED -j ACCEPT"], ["accept state established,related"]),
        (
            [
                "-m state --state ESTABLISHED,RELATED -j ACCEPT",
                "-i eth0 -m state --state INVALID -j DROP",
            ],
            ["accept state established,related", "drop from eth0 state invalid"],
        ),
        (
            [
                "-p icmp -m icmp --icmp-type 3 -j ACCEPT",
                "-p icmp -m icmp --icmp-type 8 -m limit --limit 10/sec --limit-burst 20 -j ACCEPT",
            ],
            ["accept icmp/destination-unreachable", "accept ping limit 10/second burst 20"],
        ),
        (["-i lo -j ACCEPT"], ["use loopback"]),
        (["-i lo -s 127.0.0.0/8 -j ACCEPT"], ["accept from loopback 127.0.0.0/8"]),
    ],
)
def test_macros_are_known_where_they_mean_the_same(lines: list[str], rules: list[str]) -> None:
    assert listed(lifted(table(*(f"-A INPUT {line}" for line in lines))).text, "input") == rules


def test_a_macro_keeps_the_comment_of_its_rules() -> None:
    note = '-m comment --comment "replies"'
    lines = [
        f"-A INPUT -m state --state ESTABLISHED,RELATED {note} -j ACCEPT",
        f"-A INPUT -m state --state INVALID {note} -j DROP",
    ]
    assert listed(lifted(table(*lines)).text, "input") == ['use stateful comment "replies"']
    assert listed(lifted(table(lines[0], lines[1].replace("replies", "rest"))).text, "input") == [
        'accept state established,related comment "replies"',
        'drop state invalid comment "rest"',
    ]


def test_neither_macros_nor_pairs_swallow_what_does_more() -> None:
    lines = ["-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT", "-A INPUT -m state --state INVALID -j LOG",
             "-A INPUT -m state --state INVALID -j DROP"]  # fmt: skip
    assert listed(lifted(table(*lines)).text, "input") == [
        "accept state established,related", 'log "" state invalid', "drop state invalid",
    ]  # fmt: skip


def test_chains_keep_their_calls_and_names() -> None:
    lines = ["-A INPUT -j one", "-A INPUT -g accept.this", "-A one -s 192.0.2.1/32 -j RETURN", "-A one -j accept.this"]
    policy = lifted(table(*lines, chains="one accept.this idle"))
    assert policy.chains["accept.this"] == "accept-this"
    assert block(policy.text, "chains") == [
        "one:", "- return from 192.0.2.1", "- jump accept-this", "accept-this: []",
    ]  # fmt: skip
    assert listed(policy.text, "input") == ["jump one", "goto accept-this"]
    assert any("`accept.this` is called `accept-this`" in one.message for one in policy.notes)


def test_what_does_nothing_is_left_out() -> None:
    lines = ["-A INPUT -p tcp -j users", "-A INPUT -j outer", "-A outer -j users", "-A outer -j RETURN",
             "-A INPUT -p udp -j guard", "-A guard -s 192.0.2.1/32 -j RETURN", "-A guard -j DROP",
             "-A guard -s 192.0.2.9/32 -j RETURN"]  # fmt: skip
    policy = lifted(table(*lines, chains="users outer guard"))
    assert block(policy.text, "chains") == ["guard:", "- return from 192.0.2.1", "- drop"]
    assert listed(policy.text, "input") == ["jump guard udp"]
    assert [one.message for one in policy.notes] == [
        "chains in which nothing happens, and jumps to them, are left out: `users`, `outer`"
    ]
    assert len(policy.idle) == 5
    # What is counted, or what a packet does not come back to, is something.
    for line in ("-m limit --limit 1/min -j users", "-m recent --name x --set -j users", "-g users"):
        policy = lifted(table(f"-A INPUT {line}", "-A INPUT -j DROP", chains="users"))
        assert block(policy.text, "chains") == ["users: []"]


def test_policies_are_defaults() -> None:
    text = lifted(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j ACCEPT\nCOMMIT\n"
    ).text
    assert "input:\n  default: drop\n\nforward:\n  default: drop\n\noutput:\n  default: accept\n  rules:" in text


def test_a_list_that_drops_ends_with_a_rule_that_does() -> None:
    rules = ["-s 192.0.2.1/32 -j RETURN", "-i eth0 -g one", "-p tcp -j ACCEPT"]
    lines = [":PREROUTING DROP [0:0]", *(f"-A PREROUTING {one}" for one in rules), "-A one -p udp -j ACCEPT"]
    policy = lifted(table(*lines, name="mangle", chains="one"))
    assert block(policy.text, "mangle") == [
        "prerouting:",
        "- drop from 192.0.2.1",
        "- jump mangle-prerouting-below-1 from eth0",
        "- accept tcp",
        "- drop",
    ]
    assert block(policy.text, "chains")[:3] == ["mangle-prerouting-below-1:", "- jump one", "- drop"]


def test_nat_is_one_list_where_that_says_all() -> None:
    lines = [
        "-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.10:80",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128",
        "-A POSTROUTING -d 10.0.0.0/8 -o eth0 -j ACCEPT",
        "-A POSTROUTING -s 192.0.2.0/24 -o eth0 -j SNAT --to-source 203.0.113.5-203.0.113.9 --persistent",
        "-A POSTROUTING -o eth0 -j MASQUERADE --random",
    ]
    assert listed(lifted(table(*lines, name="nat")).text, "nat") == [
        "dnat tcp/8080 from wan -> 192.0.2.10:80",
        "redirect http -> :3128",
        "snat to wan 10.0.0.0/8 -> none",
        "snat from 192.0.2.0/24 to wan -> 203.0.113.5-203.0.113.9 persistent",
        "masquerade to wan random",
    ]


def test_nat_has_hooks_where_it_has_chains() -> None:
    lines = [
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
        "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "-A DOCKER -i docker0 -j RETURN",
        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]
    text = lifted(table(*lines, name="nat", chains="DOCKER")).text
    assert block(text, "nat") == [
        "prerouting:", "- jump DOCKER where fib daddr type local",
        "output:", "- jump DOCKER to not 127.0.0.0/8 where fib daddr type local",
        "postrouting:", "- masquerade from 172.17.0.0/16 to not docker0",
    ]  # fmt: skip
    assert listed(text, "chains") == ["return from docker0", "dnat tcp/8080 from not docker0 -> 172.17.0.2:80"]


def test_targets_that_take_turns_are_one_rule() -> None:
    nth = "-m statistic --mode nth --every"
    lines = [
        f"-A PREROUTING -p tcp -m tcp --dport 80 {nth} 3 --packet 0 -j DNAT --to-destination 192.0.2.1",
        f"-A PREROUTING -p tcp -m tcp --dport 80 {nth} 2 --packet 0 -j DNAT --to-destination 192.0.2.2",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.3",
    ]
    assert listed(lifted(table(*lines, name="nat")).text, "nat") == ["dnat http -> 192.0.2.1, 192.0.2.2, 192.0.2.3"]
    assert listed(lifted(table(*lines[1:], name="nat")).text, "nat") == ["dnat http -> 192.0.2.2, 192.0.2.3"]
    assert listed(lifted(table(lines[0], lines[2], name="nat")).text, "nat") == [
        "dnat http nth 3 -> 192.0.2.1", "dnat http -> 192.0.2.3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "section", "rule"),
    [
        ("-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp", "raw", "helper ftp ftp"),
        ("-A OUTPUT -p udp -j CT --notrack", "raw", "notrack udp"),
        ("-A PREROUTING -j CT --zone-orig 5", "raw", "ct original zone set 5"),
        ("-A PREROUTING -s 192.0.2.1/32 -j TRACE", "raw", "trace from 192.0.2.1"),
        ("-A PREROUTING -m rpfilter --loose --invert -j DROP", "raw", "drop where rpfilter loose fails"),
        ("-A PREROUTING -j MARK --set-xmark 0x10/0xf0", "mangle", "mark set 0x10 mask 0xf0"),
        ("-A PREROUTING -j MARK --set-xmark 0x1/0x0", "mangle", "mark xor 1"),
        ("-A PREROUTING -j CONNMARK --restore-mark", "mangle", "mark restore"),
        ("-A PREROUTING -j CONNMARK --set-xmark 0x7/0xffffffff", "mangle", "ct mark set 7"),
        ("-A POSTROUTING -j DSCP --set-dscp 0x2e", "mangle", "dscp set ef"),
        ("-A POSTROUTING -j TTL --ttl-set 64", "mangle", "ip ttl set 64"),
        ("-A POSTROUTING -j CLASSIFY --set-class 1:10", "mangle", "meta priority set 1:10"),
        ("-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", "mangle",
         "mss clamp tcp where tcp flags syn / syn, rst"),
        ("-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options 4,8", "mangle",
         "reset tcp option sack-perm, tcp option timestamp tcp"),
        ("-A PREROUTING -p tcp -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1", "mangle",
         "tproxy tcp -> :3129 mark set 1 mask 0x1"),
        ("-A FORWARD -j TEE --gateway 192.0.2.9", "mangle", "dup to 192.0.2.9"),
        ("-A PREROUTING -d 203.0.113.0/28 -j NETMAP --to 192.0.2.0/28", "nat",
         "netmap to 203.0.113.0/28 -> 192.0.2.0/28"),
        ("-A INPUT -p tcp -m tcp --dport 23 -j SNAT --to-source 192.0.2.99", "nat", "snat telnet -> 192.0.2.99"),
    ],
)  # fmt: skip
def test_other_tables(line: str, section: str, rule: str) -> None:
    assert listed(lifted(table(line, name=section)).text, section) == [rule]


def test_a_policy_of_one_family_says_so_once() -> None:
    ip6 = table("-A INPUT -p icmpv6 -m icmp6 --icmpv6-type 128 -j ACCEPT", "-A INPUT -p tcp -j DROP")
    text = lifted(ip6, family=Family.IP6).text
    assert block(text, "settings") == ["family: ip6"]
    assert listed(text, "input") == ["accept ping", "drop tcp"]
