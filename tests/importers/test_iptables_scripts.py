"""Scripts of iptables, ip6tables and ipset commands; what only a shell can follow is told of."""

from __future__ import annotations

import pytest
from importing import errors, import_all, rules, ruleset, table

from polc.diagnostics import Severity
from polc.ir.family import BOTH, Family
from polc.ir.ruleset import BaseChain, Ruleset
from polc.ir.selectors import KeyType
from polc.ir.statements import Log
from polc.ir.verdicts import Accept, Drop


def script(text: str) -> Ruleset:
    (found,), _ = import_all(f"#!/bin/sh\n{text}")
    return found


def test_a_script_is_the_tables_that_it_makes() -> None:
    found = script(
        """
set -e
# Clean up.
/sbin/iptables -F; iptables -X
iptables -t nat -F
iptables -P INPUT DROP    # all that is not allowed
iptables -N web
sudo -n iptables -A INPUT -i lo -j ACCEPT
iptables -w 5 -A INPUT -p tcp \\
    -m multiport --dports 80,443 \\
    -m comment --comment 'the site' -j web
iptables -A web -j LOG --log-prefix "web: " --log-level 4 && iptables -A web -j ACCEPT
iptables-legacy -I INPUT 1 -m state --state ESTABLISHED -j ACCEPT
iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
iptables -L -n -v
exit 0
iptables -A INPUT -j DROP
"""
    )
    expected = table(
        ":INPUT DROP [0:0]",
        "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
        "-A INPUT -i lo -j ACCEPT",
        '-A INPUT -p tcp -m multiport --dports 80,443 -m comment --comment "the site" -j web',
        '-A web -j LOG --log-prefix "web: "',
        "-A web -j ACCEPT",
        chains="web",
    ) + table("-A POSTROUTING -o eth0 -j MASQUERADE", name="nat")
    assert found == ruleset(expected)
    base = found.chains[1]
    assert isinstance(base, BaseChain)
    comments = [rule.origin.comment for rule in base.rules]
    assert comments == ["", "", "the site"]
    span = base.rules[2].origin.span
    assert span is not None
    assert (span.line, span.text.count("\n")) == (10, 2)


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("'a b'", "a b"),
        ('"a \\"b\\" \\\\ \\n"', 'a "b" \\ \\n'),
        ("a\\ b", "a b"),
        ("'it'\\''s'", "it's"),
        ('""', ""),
        ("x'y z'\"!\"", "x'y z'!".replace("'", "")),
        ("a#b", "a#b"),
        ("'$HOME'", "$HOME"),
        ('"a\\$b"', "a$b"),
    ],
)
def test_words_of_the_shell(written: str, prefix: str) -> None:
    (chain,) = script(f"iptables -A INPUT -j LOG --log-prefix {written} # done\n").chains
    assert chain.rules[0].statements == (Log(prefix),)


def test_both_families_and_sets() -> None:
    found = script(
        """
ipset create -exist admins hash:net
ipset add admins 192.0.2.0/24
iptables -P INPUT DROP
ip6tables -P INPUT DROP
iptables -A INPUT -m set --match-set admins src -j ACCEPT
for_nobody=1
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
ip6tables -A INPUT -p tcp --dport 22 -j ACCEPT
"""
    )
    (chain,) = found.chains
    assert [rule.families for rule in chain.rules] == [{Family.IP}, BOTH]
    assert [one.types for one in found.sets] == [(KeyType.IPV4_ADDR,)]


def test_removing_what_is_not_there_may_fail() -> None:
    quiet = "iptables -D INPUT -j DROP 2>/dev/null\niptables -X own > /dev/null 2>&1\niptables -A INPUT -j ACCEPT\n"
    assert [rule.verdict for rule in script(quiet).chains[0].rules] == [Accept()]
    assert [one.code for one in errors(quiet.replace(" 2>/dev/null", ""))] == ["POL514"]
    # A rule that cannot be read is wrong, whoever reads the complaint.
    assert [one.code for one in errors("iptables -A INPUT --dprot 1 2>/dev/null\n")] == ["POL502"]


def test_commands_that_change_no_rules() -> None:
    (found,), notes = import_all(
        "modprobe ip_conntrack\necho 1 > /proc/sys/net/ipv4/ip_forward\n"
        "echo $HOME\nmodprobe b\niptables -P INPUT DROP\n"
    )
    assert [(one.code, one.severity, one.span.text) for one in notes if one.span] == [
        ("POL517", Severity.NOTE, "modprobe"),
        ("POL517", Severity.NOTE, "echo"),
    ]
    (chain,) = found.chains
    assert isinstance(chain, BaseChain)
    assert chain.policy == Drop()


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("iptables -A INPUT -s $LAN -j DROP", "$LAN", "`$LAN` is a variable, whose value only the shell knows"),
        ('iptables -A INPUT -s "${LAN}/8" -j DROP', '"${LAN}/8"', "`${LAN}` is a variable"),
        ("$IPT -A INPUT -j DROP", "$IPT", "`$IPT` is a variable"),
        ("iptables -A INPUT -s `myip` -j DROP", "`myip`", "what this command prints"),
        ("iptables -A INPUT -s $(myip) -j DROP", "$(myip)", "what this command prints"),
        ("for port in 22 80; do iptables -A INPUT -p tcp --dport 22; done", "for", "`for` is a word of the shell"),
        ("if true; then iptables -F; fi", "if", "`if` is a word of the shell"),
        ("iptables -F || exit 1", "||", "`||` joins commands"),
        ("iptables -S | sh", "|", "`|` joins commands"),
        ("iptables -A INPUT -p tcp --dport {22,80} -j DROP", "{", "`{` joins commands"),
        ("start() {", "(", "`(` joins commands"),
        ("sh rules.sh", "sh", "what `sh` does is not known"),
        (". /etc/functions", ".", "`.` is a word of the shell"),
        ("nft -f rules", "nft", "`nft` is a command of another firewall"),
        ("iptables-restore < rules", "< rules", "what a command reads elsewhere is not followed"),
        ("iptables-restore rules.v4", "iptables-restore", "what `iptables-restore` reads is not followed"),
    ],
)
def test_what_only_a_shell_can_follow(text: str, words: str, message: str) -> None:
    found = errors(f"iptables -A INPUT -j ACCEPT\n{text}\niptables -A INPUT -j DROP\n")
    assert found[0].code == "POL513"
    assert message in found[0].message
    assert found[0].span is not None
    assert (found[0].span.line, found[0].span.text) == (2, words)
    assert found[0].help


def test_each_variable_is_told_of_once() -> None:
    found = errors("".join(f"iptables -A INPUT -s $LAN -i $WAN -j DROP\n$IPT -F {number}\n" for number in range(50)))
    assert [one.message.split("`")[1] for one in found] == ["$LAN", "$IPT"]


def test_a_here_document_is_not_commands() -> None:
    found = errors("iptables-restore <<EOF\n*filter\nCOMMIT\nEOF\niptables -A INPUT --bad -j DROP\n")
    assert [(one.code, one.span.line) for one in found if one.span] == [("POL513", 1), ("POL502", 5)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("iptables -A INPUT -m comment --comment 'open\n", "POL501"),
        ('iptables -A INPUT -m comment --comment "open\n', "POL501"),
        ("&& iptables -F\n", "POL501"),
        ("iptables -t filtre -F\n", "POL507"),
        ("iptables -A own -j DROP\n", "POL507"),
        ("iptables -6 -A INPUT -j DROP\n", "POL504"),
        ("iptables -j DROP\n", "POL501"),
        ("iptables INPUT\n", "POL501"),
        ("ipset create a hash:address; iptables -F\n", "POL515"),
    ],
)
def test_what_is_wrong_with_a_command(text: str, code: str) -> None:
    found = errors(f"iptables -A INPUT -j ACCEPT\n{text}")
    assert [(one.code, one.span.line) for one in found if one.span] == [(code, 2)]


def test_a_script_of_the_question() -> None:
    found = errors(
        "iptables -A INPUT -p tcp --dport 22 -m state NEW --state -m recent --set\n"
        "iptables -A INPUT -p tcp --dport 22 -m state --state NEW -m recent --update --seconds 100 --hitcount 10\n"
    )
    assert [one.code for one in found] == ["POL511"]


def test_a_script_says_what_a_file_says() -> None:
    lines = ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT ! -s 192.0.2.0/24 -j DROP"]
    (chain,) = script("\n".join(f"iptables {line}" for line in lines)).chains
    assert chain.rules == rules(*lines)
