"""Rules that keep iptables' own words have them as iptables-save writes them, however they were given: what was emitted
and what is listed are the same words then.

Behind what counts packets, and before a target that leaves the chain, every extension keeps its words.
"""

from __future__ import annotations

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
-p udp -m udp --sport 1024: --dport ntp
-p udp -m multiport --source-ports 53,1024:65535
-p udp -m multiport ! --dports domain,7:7,:5
-p tcp -m multiport --port 5,6
-p dccp -m dccp --dport 5: --sport :9
-p dccp -m dccp --dccp-types data,REQUEST --dccp-option 0x2
-p sctp -m sctp --dport 5: --sport :9
-p sctp -m sctp --chunk-types any init,DATA:iUbE --dport 5
-p sctp -m sctp ! --chunk-types only ALL
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
-m conntrack ! --ctproto 0x11
-m conntrack --ctexpire 5: --ctdir reply
-m conntrack --ctexpire :9
-m conntrack --ctexpire 9:9
-m conntrack --ctproto tcp --ctreplsrcport 5:5 --ctorigdstport 9: --ctorigsrcport http
-m state --state related,NEW
-m state ! --state UNTRACKED
-m time --weekdays 1,tu,sunday
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
-m helper --helper ftp
-m string --to 100 --from 5 --algo bm --string x
-m string --algo kmp --icase --hex-string |4142|
-m ecn --ecn-ip-ect 0x2
-p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr
-p tcp -m tcpmss --mss 5:
-p tcp -m tcpmss --mss 5:5
-m cpu --cpu 0x0
-m statistic --mode random --probability .5
-m statistic --packet 1 --every 4 --mode nth
-m u32 --u32 0&0xFF=0x4:6
-m comment --comment x
-p tcp -m osf --genre Linux --ttl 1 --log 1
-m quota --quota 0x10
-m connlimit --connlimit-upto 5 --connlimit-mask 24 --connlimit-saddr
-m connlimit --connlimit-daddr --connlimit-above 5
-m recent --rttl --seconds 5 --rcheck --name x
-m recent --rsource --name y ! --update --hitcount 3 --seconds 5
-m recent --rdest --set
-m limit --limit-burst 7 --limit 0x5/h
-m limit --limit 60/minute
-m devgroup --src-group 5/0xff
-m devgroup --src-group 0x5
-m policy --pol none --dir in
-m policy --strict --dir in --pol ipsec --proto esp --mode transport --next --spi 5 --proto ah
-m rpfilter --validmark --loose
-m addrtype --dst-type LOCAL --src-type UNICAST
-m cluster --cluster-hash-seed 5 --cluster-local-node 1 --cluster-total-nodes 2
-m bpf --bytecode 4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0
-m socket --nowildcard --transparent
-m cgroup --cgroup 0x5
-m connlabel --set --label 5
-m mac --mac-source a:b:c:D:e:f
-m hashlimit --hashlimit-name foo --hashlimit-mode dstport,srcip --hashlimit-upto 60/minute
"""

IP = """
-p ah -m ah --ahspi 0:4294967295
-p ah -m ah ! --ahspi :5
-p icmp -m icmp --icmp-type echo-request
-p icmp -m icmp ! --icmp-type 3/0x1
-p icmp -m icmp --icmp-type any
-m addrtype --limit-iface-in --dst-type broadcast,local
-m addrtype ! --src-type THROW,unicast
-m iprange --dst-range 10.0.0.1-10.0.0.9 ! --src-range 10.1
-m ttl --ttl 5
-m ttl --ttl-gt 0x5
-m realm --realm 5/0xff
-m realm ! --realm 0x5
-m ipvs ! --ipvs --vproto tcp --vaddr 1.2.3.4 --vport http
-m conntrack --ctorigdst 10.0.0.0/255.0.0.0 ! --ctreplsrc 10.1
"""

IP6 = """
-p icmpv6 -m icmp6 --icmpv6-type echo-request
-p icmpv6 -m icmp6 ! --icmpv6-type 1/4
-m ah ! --ahspi 0x5:6 --ahres --ahlen 8
-m hl --hl-lt 0x5
-m rt --rt-type 0 --rt-segsleft :3 --rt-len 8 --rt-0-res
-m rt --rt-segsleft 0:4294967295 ! --rt-type 5
-m frag --fragid 5:9 --fragmore --fragres
-m frag --fraglast --fragid 0x5
-m hbh --hbh-len 8 --hbh-opts 1:2,0x5
-m dst --dst-opts 5,6 --dst-len 16
-m ipv6header --soft --header hop,FRAG,auth
-m ipv6header --header none,proto
-p mobility-header -m mh --mh-type brr:3
-p mobility-header -m mh ! --mh-type home-test
-m eui64
-m iprange ! --src-range 2001:db8::1-2001:DB8::9
-m conntrack --ctorigdst 2001:db8::/0xffff:: ! --ctreplsrc ::1
"""

OUTGOING = """
-m owner ! --uid-owner root
-m owner --gid-owner 5-5 --uid-owner 0x3e8-2000
-m owner ! --socket-exists ! --gid-owner root
-m owner --gid-owner 5 --suppl-groups
-m devgroup ! --dst-group 5
"""


def _lines(text: str, chain: str) -> list[str]:
    """Each behind a limit, which keeps everything behind it in iptables' words."""
    return [f"-A {chain} -m limit --limit 1/sec {line} -j RETURN" for line in text.strip().splitlines()]


@pytest.mark.kernel("iptables", "conntrack")
@pytest.mark.parametrize("family", Family.__members__.values(), ids=lambda family: family.name)
@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_what_is_listed_is_what_was_written(kind: str, family: Family, scratch: Namespace) -> None:
    lines = [*_lines(BOTH, "INPUT"), *_lines(IP if family is Family.IP else IP6, "INPUT"), *_lines(OUTGOING, "OUTPUT")]
    (found,), _ = import_all(table(*lines), family=family)
    output = IptablesBackend().emit(pipeline.run(found), Options("restore"))
    assert not output.deviations
    tool, name = ("iptables", "rules.v4") if family is Family.IP else ("ip6tables", "rules.v6")
    (file,) = (one for one in output.files if one.name == name)
    done = scratch.run([f"{tool}-{kind}-restore"], input=file.text)
    assert (done.returncode, done.stderr) == (0, "")
    saved = scratch.run([f"{tool}-{kind}-save"]).stdout
    assert compare.differences(file.text, saved) == ()
    assert meaning.differences("iptables", [file], [OutputFile(name, saved)]) == ()
