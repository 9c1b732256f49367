"""Rules that keep iptables' own words have them as iptables-save writes them, however they were given: what was emitted
and what is listed are the same words then.

Behind what counts packets, and before a target that leaves the chain, every extension keeps its words.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from importing import import_all, table

from polc.backends.iptables import compare
from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Options, OutputFile
from polc.ir.family import Family
from polc.kernel import meaning
from polc.kernel.netns import Namespace
from polc.passes import pipeline

BOTH = """
-p tcp -m tcp --dport domain --sport 1024:
-p tcp -m tcp --dport 53:53 ! --sport :1023
-p tcp -m tcp --syn
-p tcp -m tcp ! --syn --dport ssh
-p tcp -m tcp --tcp-flags ack,SYN,FIN SYN
-p tcp -m tcp --tcp-flags ALL NONE --tcp-option 0x2
-p tcp -m tcp --tcp-flags ALL ALL --sport 5
-p tcp -m tcp ! --sport 0 ! --dport 5: --tcp-flags NONE NONE
-p tcp -m tcp --sport 0:65535 ! --dport 0:65534 ! --tcp-option 9
-p udp -m udp --sport 1024: --dport ntp
-p udp -m multiport --source-ports 53,1024:65535
-p udp -m multiport ! --dports domain,7:8
-p tcp -m multiport --port 5,6
-p dccp -m dccp --dport 5: --sport :9
-p dccp -m dccp --dccp-types data,REQUEST --dccp-option 0x2
-p dccp -m dccp --dccp-types INVALID,sync ! --sport :1023 --dport 0:65535
-p sctp -m sctp --dport 5: --sport :9
-p sctp -m sctp --chunk-types any init,DATA:iUbE --dport 5
-p sctp -m sctp ! --chunk-types ONLY all
-p sctp -m sctp --chunk-types all ASCONF,I_DATA,data:Bu,ABORT:T,DATA:e
-m mark --mark 4294967295
-m mark ! --mark 5/255
-m connmark --mark 0/0xffffffff
-m connmark --mark 010/0xf
-m length --length :2
-m length ! --length 4:
-m length --length 5:5
-m dscp --dscp-class ef
-m dscp ! --dscp 5
-m tos --tos minimize-delay
-m tos ! --tos 0xff
-m tos --tos 5/7
-p esp -m esp --espspi :32
-p esp -m esp --espspi 0:4294967295
-p esp -m esp --espspi 0x10
-m conntrack --ctstate established,DNAT,new
-m conntrack --ctstatus confirmed,ASSURED
-m conntrack --ctproto tcp --ctstate NEW
-m conntrack ! --ctproto 17
-m conntrack --ctstatus NONE,confirmed ! --ctexpire 0:
-m conntrack --ctexpire 5: --ctdir reply
-m conntrack --ctexpire :9
-m conntrack --ctexpire 9:9
-m conntrack --ctproto tcp --ctreplsrcport 5:5 --ctorigdstport 9: --ctorigsrcport http
-m state --state related,NEW
-m state ! --state UNTRACKED
-m time --timestart 0:0 --timestop 23:59:59 --kerneltz
-m time --monthdays 4 --datestart 1970 --datestop 2038-01-19T03:14:07
-m time --weekdays 1,Tu,Sunday
-m time ! --weekdays Mon
-m time --timestart 8:05 --weekdays 6,7
-m time --timestop 9:00
-m time --contiguous --timestop 9:00 --timestart 22:00 --kerneltz
-m time --monthdays 7,3,21
-m time ! --monthdays 1
-m time --datestart 2024-5-2 --datestop 2025
-m time --datestop 2025-12-24T18 --utc
-m pkttype --pkt-type bcast
-m pkttype ! --pkt-type HOST
-m connbytes --connbytes-dir original --connbytes-mode bytes --connbytes 5:
-m connbytes --connbytes 5:9 --connbytes-mode avgpkt --connbytes-dir both
-m connbytes ! --connbytes 5 --connbytes-mode packets --connbytes-dir both
-m connbytes --connbytes 5:0x5 --connbytes-mode packets --connbytes-dir reply
-m helper --helper ftp
-m helper --helper ""
-m string --to 100 --from 5 --algo bm --string x
-m string --algo kmp --icase --hex-string |4142|
-m string --algo kmp --hex-string "a|0D0a|b|c3 a4|" --to 65535
-m string --algo bm --hex-string "a\\\\|b|41|\\\\c"
-m string --algo bm --from 0 --to 0x10 ! --hex-string "a|225c7c|"
-m ecn --ecn-ip-ect 0x2
-p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr
-p tcp -m tcpmss --mss 5:
-p tcp -m tcpmss --mss 5:5
-m cpu --cpu 0x0
-m statistic --mode random --probability .5
-m statistic --packet 1 --every 4 --mode nth
-m statistic --packet 01 ! --every 0x3 --mode nth
-m u32 --u32 0&0xFF=0x4:6
-m u32 ! --u32 "0 >> 22 & 0x3C @ 12 >> 26 & 7 = 0x0D, 5:5, 5:0x55 && 6 & 0xFF = 010"
-m comment --comment x
-m quota --quota 0x10
-m connlimit --connlimit-upto 5 --connlimit-mask 24 --connlimit-saddr
-m connlimit --connlimit-daddr --connlimit-above 5
-m recent --rttl --seconds 5 --rcheck --name x
-m recent --rsource --name y ! --update --hitcount 3 --seconds 5
-m recent --rdest --set
-m limit --limit-burst 7 --limit 5/h
-m limit --limit 60/minute
-m devgroup --src-group 5/0xff
-m devgroup --src-group 0x5
-m devgroup --src-group default
-m policy --pol none --dir in
-m policy --dir in --mode transport --proto 108 --reqid 010
-m policy --strict --dir in --pol ipsec --proto esp --mode transport --next --spi 5 --proto ah
-m addrtype --dst-type LOCAL --src-type UNICAST
-m cluster --cluster-hash-seed 5 --cluster-local-node 1 --cluster-total-nodes 2
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 01,6 0 0 0,"
-m socket --nowildcard --transparent
-m physdev --physdev-is-bridged ! --physdev-in eth+ --physdev-is-in
-m cgroup --cgroup 0x5
-m connlabel --set --label 0x5
-m mac --mac-source a:b:c:D:e:f
-m hashlimit --hashlimit-name foo --hashlimit-mode dstport,srcip --hashlimit-upto 60/minute
-m hashlimit --hashlimit-name a --hashlimit-rate-interval 5 --hashlimit-rate-match ! --hashlimit-upto 90/minute
-m hashlimit --hashlimit-name b --hashlimit-rate-match --hashlimit 60/m --hashlimit-htable-gcinterval 1000
-m hashlimit --hashlimit-name c --hashlimit-upto 3/sec --hashlimit-htable-expire 9 --hashlimit-htable-size 0x10
-m hashlimit --hashlimit-name d --hashlimit-above 1024kb/s --hashlimit-burst 3000kb --hashlimit-htable-expire 15000
-m hashlimit --hashlimit-name e --hashlimit-upto 1536b/s --hashlimit-srcmask 0x18 --hashlimit-mode dstip,srcip
-p ipcomp -m ipcomp --compres --ipcompspi 0x5:5
-p ipcomp -m ipcomp ! --ipcompspi :9
"""

IP = """
-p ah -m ah --ahspi 0:4294967295
-p ah -m ah ! --ahspi :5
-p icmp -m icmp --icmp-type echo-request
-p icmp -m icmp ! --icmp-type 3/0x1
-p icmp -m icmp --icmp-type any
-p icmp -m icmp --icmp-type 255/3
-p icmp -m icmp --icmp-type network-unreach
-m addrtype --limit-iface-in --dst-type broadcast,local
-m addrtype ! --src-type THROW,unicast
-m iprange --dst-range 10.0.0.1-10.0.0.9 ! --src-range 10.1
-m ttl --ttl 5
-m ttl --ttl-gt 0x5
-m realm --realm 5/0xff
-m realm ! --realm 0x5
-m realm --realm cosmos
-p tcp -m osf --log 1 --ttl 1 --genre Linux
-m conntrack --ctorigdst 10.0.0.7/255.0.0.0 ! --ctreplsrc 10.1
-m policy --strict --dir in --tunnel-src 10.1 --mode tunnel --tunnel-dst 10.0.0.7/8 --next ! --spi 9 --proto ah
-m recent --rsource --hitcount 0x3 ! --update --reap --mask 255.0.255.0 --seconds 5
-m recent --rdest --mask 255.255.0.255 --name x --rcheck --rttl
"""

IP6 = """
-p icmpv6 -m icmp6 --icmpv6-type echo-request
-p icmpv6 -m icmp6 ! --icmpv6-type 1/4
-m ah ! --ahspi 0x5:6 --ahres --ahlen 8
-m hl --hl-lt 0x5
-m hl ! --hl-eq 0x5
-m rt --rt-type 0 --rt-segsleft :3 --rt-len 8 --rt-0-res
-m rt --rt-segsleft 0:4294967295 ! --rt-type 5
-m rt --rt-type 0x0 --rt-0-addrs ::1,2001:DB8::1 --rt-0-not-strict ! --rt-len 0x10
-m frag --fragid 5:9 --fragmore --fragres
-m frag --fraglast --fragid 0x5
-m frag ! --fraglen 0x10 --fragid 0:4294967295
-m hbh --hbh-len 8 --hbh-opts 1:2,0x5
-m dst --dst-opts 5:255,6:0x7 ! --dst-len 0x10
-m ipv6header --soft --header hop,frag,auth
-m ipv6header ! --header none,prot,dst
-p mobility-header -m mh --mh-type brr:3
-p mobility-header -m mh ! --mh-type home-test
-p mobility-header -m mh --mh-type 3:
-p mobility-header -m mh --mh-type 0:255
-m eui64
-m policy --dir in --proto ah --mode tunnel --tunnel-src ::1 --tunnel-dst 2001:DB8::1/32
-m srh --srh-lsid ::1/64 ! --srh-nsid ::1 --srh-tag 0x5 --srh-last-entry-eq 3 ! --srh-hdr-len-lt 0x5 --srh-next-hdr 17
-m srh --srh-segs-left-gt 1 --srh-psid 2001:DB8::/32
-m ah --ahlen 0x0c --ahspi 0:4294967295
-m iprange ! --src-range 2001:db8::1-2001:DB8::9
-m conntrack --ctorigdst 2001:DB8::1/ffff:ffff:: ! --ctreplsrc ::1 --ctorigsrc ::/0
"""

OUTGOING = """
-m owner ! --uid-owner root
-m owner --gid-owner 5-5 --uid-owner 0x3e8-2000
-m owner ! --socket-exists ! --gid-owner root
-m owner --gid-owner 5 --suppl-groups
-m policy --pol ipsec --dir out
-m devgroup ! --dst-group 5
"""


PREROUTING = """
-m rpfilter --validmark --loose
-m rpfilter --invert --accept-local --loose
"""

TARGETS = {
    "filter": """
-A INPUT -p tcp -j SYNPROXY --ecn --timestamp --mss 0x5b4 --sack-perm --wscale 07
-A INPUT -p tcp -j SYNPROXY --mss 0 --wscale 0
-A INPUT -j AUDIT --type DROP
-A INPUT -j IDLETIMER --label x --timeout 0x10
-A INPUT -j RATEEST --rateest-ewmalog 0.5s --rateest-name x --rateest-interval 250000us
-A INPUT -j RATEEST --rateest-name y --rateest-ewmalog 2s --rateest-interval 500ms
""",
    "mangle": """
-A PREROUTING -j CONNMARK --left-shift-mark 0x5 --save-mark --mask 255
-A PREROUTING -j CONNMARK --right-shift-mark 2 --ctmask 5 --restore-mark
-A PREROUTING -j CONNMARK --right-shift-mark 3 --set-mark 5/6
-A PREROUTING -j CONNMARK --right-shift-mark 3 --and-mark 5
-A PREROUTING -j CONNSECMARK --save
-A PREROUTING -j TOS --set-tos 5
-A PREROUTING -j TOS --and-tos 0x5
-A PREROUTING -j HMARK --hmark-tuple src,dst,sport,dport,proto --hmark-offset 0x10 --hmark-mod 0x10 --hmark-rnd 0xDEAD
-A PREROUTING -j HMARK --hmark-rnd 0 --hmark-mod 10 --hmark-tuple ct
-A PREROUTING -j HMARK --hmark-mod 10 --hmark-proto-mask 6 --hmark-spi 0x6 --hmark-tuple src,ct --hmark-rnd 5
-A PREROUTING -j HMARK --hmark-mod 9 --hmark-dport 010 --hmark-sport-mask 15 --hmark-src-prefix 24 --hmark-rnd 5
-A POSTROUTING -j CHECKSUM --checksum-fill
""",
    "raw": """
-A PREROUTING -j CT --ctevents reply,new
-A PREROUTING -p tcp -j CT --zone-reply 0x5 --expevents new --ctevents mark,assured
-A PREROUTING -p tcp -j CT --zone-orig mark
-A PREROUTING -j CT --zone 5 --notrack
-A PREROUTING -j CT --zone 0 --ctevents new
-A PREROUTING -j CT
""",
}
IP_TARGETS = {
    "mangle": """
-A PREROUTING -p tcp -j ECN --ecn-tcp-remove
-A PREROUTING -p tcp -j ECN --ecn-ip-ect 0x1 --ecn-tcp-cwr 0 --ecn-tcp-ece 1
""",
    "nat": """
-A PREROUTING -p tcp -j DNAT --persistent --random --to-destination 10.0.0.1-10.0.0.9:2000-2010/http
-A PREROUTING -p udp -j DNAT --to-destination :2000-2010/3
""",
}
IP6_TARGETS = {
    "mangle": """
-A PREROUTING -j DNPT --dst-pfx 2001:DB8:1::/48 --src-pfx fd00::/0x30
-A POSTROUTING -j SNPT --dst-pfx 2001:DB8:1::/48 --src-pfx fd00::/64
""",
    "nat": """
-A PREROUTING -p tcp -j DNAT --random --to-destination [2001:DB8::1-2001:db8::0:2]:2000-2010/3
-A PREROUTING -p tcp -j DNAT --to-destination [2001:DB8::1]:2000-2010/3
""",
}


def _lines(text: str, chain: str) -> list[str]:
    """Each behind a limit, which keeps everything behind it in iptables' words."""
    return [f"-A {chain} -m limit --limit 1/sec {line} -j RETURN" for line in text.strip().splitlines()]


def _matches(family: Family) -> str:
    own = IP if family is Family.IP else IP6
    filtered = [*_lines(BOTH, "INPUT"), *_lines(own, "INPUT"), *_lines(OUTGOING, "OUTPUT")]
    return table(*filtered) + table(*_lines(PREROUTING, "PREROUTING"), name="mangle")


def _targets(family: Family) -> str:
    own = IP_TARGETS if family is Family.IP else IP6_TARGETS
    names = dict.fromkeys((*TARGETS, *own))
    return "".join(table(*f"{TARGETS.get(name, '')}{own.get(name, '')}".split("\n"), name=name) for name in names)


@pytest.mark.parametrize("family", Family.__members__.values(), ids=lambda family: family.name)
@pytest.mark.parametrize("text", [_matches, _targets])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.kernel(f"iptables-{kind}", "conntrack", "hashlimit", "recent"))
        for kind in ("nft", "legacy")
    ],
)
def test_what_is_listed_is_what_was_written(
    kind: str, text: Callable[[Family], str], family: Family, scratch: Namespace
) -> None:
    (found,), _ = import_all(text(family), family=family)
    output = IptablesBackend().emit(pipeline.run(found), Options("restore"))
    assert not output.deviations
    tool, name = ("iptables", "rules.v4") if family is Family.IP else ("ip6tables", "rules.v6")
    (file,) = (one for one in output.files if one.name == name)
    done = scratch.run([f"{tool}-{kind}-restore"], input=file.text)
    assert (done.returncode, done.stderr) == (0, "")
    saved = scratch.run([f"{tool}-{kind}-save"]).stdout
    assert compare.differences(file.text, saved) == ()
    assert meaning.differences("iptables", [file], [OutputFile(name, saved)]) == ()
