"""The table of iptables' extensions in ``docs/iptables.md``, made from what the importer makes of examples.

``python tests/import_table.py`` writes it anew. Each extension has an example at least, in ``tests/importers``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parent.parent / "docs" / "iptables.md"
BEGIN, END = "<!-- extensions: python tests/import_table.py -->\n", "<!-- end of extensions -->\n"

sys.path.insert(0, str(Path(__file__).parent / "importers"))

from importing import import_all, table  # noqa: E402
from test_iptables_matches import IP, IP6, LOCAL  # noqa: E402
from test_iptables_targets import FILTER, MANGLE, POSTROUTING, PREROUTING  # noqa: E402

from polc.backends.model import Fidelity, Options  # noqa: E402
from polc.backends.nft.backend import NftBackend  # noqa: E402
from polc.importers.iptables.extension import Extension  # noqa: E402
from polc.importers.iptables.registry import MATCHES, TARGETS  # noqa: E402
from polc.ir.family import Family  # noqa: E402
from polc.ir.matches import OpaqueMatch  # noqa: E402
from polc.ir.ruleset import Ruleset  # noqa: E402
from polc.ir.statements import OpaqueStatement  # noqa: E402
from polc.passes import pipeline  # noqa: E402

Example = tuple[str, str, str, Family]
"""A table, a chain, the words of a rule, and a family."""

MORE = (
    "-m bpf --object-pinned /sys/fs/bpf/one",
    "-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 3 --cluster-hash-seed 1",
    "-m connlimit --connlimit-above 3 --connlimit-saddr",
    "-m conntrack --ctorigdst 192.0.2.1 --ctreplsrc 192.0.2.1",
    "-p tcp -m conntrack --ctorigsrcport 5 --ctrepldstport 5",
    "-p tcp -m ecn --ecn-tcp-ece",
    "-m hashlimit --hashlimit 5/s --hashlimit-mode dstip --hashlimit-dstmask 24 --hashlimit-name a "
    "--hashlimit-htable-size 9 --hashlimit-htable-gcinterval 9 --hashlimit-htable-expire 9000",
    "-m hashlimit --hashlimit-upto 5/s --hashlimit-name a --hashlimit-rate-match --hashlimit-rate-interval 9",
    "-p ipcomp -m ipcomp --compres",
    "-m ipvs --vproto 6 --vaddr 192.0.2.1 --vdir ORIGINAL --vmethod GATE --vportctl 21",
    "-p tcp -m osf --genre Linux --ttl 1",
    "-m physdev --physdev-is-in",
    "-m policy --dir in --pol ipsec --strict --reqid 1 --spi 1 --mode tunnel --tunnel-src 192.0.2.1 "
    "--tunnel-dst 192.0.2.2 --next --reqid 2",
    "-m recent --set --rsource",
    "-m set --match-set nowhere src --return-nomatch",
    "-m socket --restore-skmark",
    "-m string --algo bm --from 1 --to 9 --icase --hex-string |00|",
    "-m hashlimit --hashlimit-above 10/s --hashlimit-burst 9 --hashlimit-mode srcip --hashlimit-srcmask 24 "
    "--hashlimit-name a",
    "-m time --monthdays 1",
    "-m time --contiguous --timestart 23:00 --timestop 01:00 --weekdays Mo",
    "-m connlabel --label 40",
    "-m time --utc --timestart 08:00",
    "-m ttl --ttl-gt 5",
    "-j LED --led-trigger-id ssh --led-delay 5 --led-always-blink",
    "-j IDLETIMER --timeout 9 --label a --alarm",
    "-j LOG --log-tcp-sequence --log-ip-options --log-macdecode",
    "-j NFQUEUE --queue-num 5",
    "-p tcp -j SYNPROXY --timestamp --ecn",
)
MORE_IP6 = (
    "-m dst --dst-len 8",
    "-m dst --dst-opts 5",
    "-m hbh --hbh-opts 5",
    "-m frag --fragid 5 --fragres --fragmore",
    "-m frag --fraglast",
    "-m frag --fraglen 8",
    "-m hl --hl-eq 5",
    "-m hl --hl-lt 5",
    "-m rt --rt-len 8",
    "-m rt --rt-type 0 --rt-0-res --rt-0-addrs ::1 --rt-0-not-strict",
    "-m srh --srh-next-hdr 17 --srh-hdr-len-eq 8 --srh-segs-left-eq 1 --srh-last-entry-eq 1 --srh-psid ::1 "
    "--srh-nsid ::1 --srh-lsid ::1",
    "-m srh --srh-hdr-len-gt 8 --srh-segs-left-gt 1 --srh-last-entry-gt 1",
    "-m srh --srh-hdr-len-lt 8 --srh-segs-left-lt 1 --srh-last-entry-lt 1",
)
MORE_OUT = (
    "-m addrtype --dst-type LOCAL --limit-iface-out",
    "-m devgroup --dst-group 5",
)
MORE_MANGLE = (
    "-m rpfilter --accept-local",
    "-p tcp -j ECN --ecn-tcp-cwr 1 --ecn-tcp-ece 1 --ecn-ip-ect 2",
    "-j CONNMARK --set-xmark 5",
    "-j CONNMARK --and-mark 5",
    "-j CONNMARK --or-mark 5",
    "-j CONNMARK --xor-mark 5",
    "-j CONNMARK --save-mark --right-shift-mark 2",
    "-j CONNSECMARK --restore",
    "-j DSCP --set-dscp 5",
    "-j TOS --and-tos 5",
    "-j TOS --xor-tos 5",
)
MORE_ELSEWHERE = (
    ("filter", "FORWARD", "-m physdev --physdev-out eth0 --physdev-is-out --physdev-is-bridged"),
    ("raw", "PREROUTING", "-j CT --expevents new"),
    ("raw", "PREROUTING", "-j CT --zone-orig 5"),
    ("nat", "PREROUTING", "-j DNAT --to-destination 192.0.2.1 --random"),
    ("nat", "POSTROUTING", "-j SNAT --to-source 192.0.2.1 --random --persistent"),
    ("nat", "POSTROUTING", "-j MASQUERADE --random"),
    ("nat", "POSTROUTING", "-j MASQUERADE --random-fully"),
)

EXAMPLES: tuple[Example, ...] = (
    *(("filter", "INPUT", words, Family.IP) for words, _ in IP),
    *(("filter", "INPUT", words, Family.IP6) for words, _ in IP6),
    *(("filter", "OUTPUT", words, Family.IP) for words, _ in LOCAL),
    *(("filter", "FORWARD", words, Family.IP) for words, *_ in FILTER),
    *(("mangle", "POSTROUTING", words, Family.IP) for words, *_ in MANGLE),
    *((name, "PREROUTING", words, Family.IP) for name, words, *_ in PREROUTING),
    *(("nat", "POSTROUTING", words, Family.IP) for words, _ in POSTROUTING),
    *(
        ("raw", "PREROUTING", f"-m rpfilter{options}", Family.IP)
        for options in ("", " --loose --invert", " --validmark")
    ),
    ("filter", "INPUT", "-m comment --comment web", Family.IP),
    ("filter", "INPUT", "-p udp -m udp --sport 53 --dport 1024:", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --sport 53 --dport 1024: --tcp-option 8", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --syn", Family.IP),
    ("filter", "INPUT", "-p tcp -m tcp --tcp-flags SYN,ACK SYN", Family.IP),
    ("filter", "INPUT", "-p sctp -m sctp --sport 53 --dport 1024:", Family.IP),
    ("filter", "INPUT", "-p sctp -m sctp --chunk-types any INIT", Family.IP),
    ("filter", "INPUT", "-p dccp -m dccp --sport 53 --dport 1024: --dccp-types REQUEST", Family.IP),
    ("filter", "INPUT", "-p dccp -m dccp --dccp-option 5", Family.IP),
    ("filter", "INPUT", "-p icmp -m icmp --icmp-type 8", Family.IP),
    ("filter", "INPUT", "-p esp -m esp --espspi 8", Family.IP),
    ("mangle", "PREROUTING", "-j DNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", Family.IP6),
    ("mangle", "POSTROUTING", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-set 64", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-inc 1", Family.IP6),
    ("mangle", "POSTROUTING", "-j HL --hl-dec 1", Family.IP6),
    ("filter", "INPUT", "-j CLUSTERIP", Family.IP),
    # What the tests have no example of: with these, each option of each extension is in one.
    *(("filter", "INPUT", words, Family.IP) for words in MORE),
    *(("filter", "INPUT", words, Family.IP6) for words in MORE_IP6),
    *(("filter", "OUTPUT", words, Family.IP) for words in MORE_OUT),
    *(("mangle", "PREROUTING", words, Family.IP) for words in MORE_MANGLE),
    *((name, chain, words, Family.IP) for name, chain, words in MORE_ELSEWHERE),
)


class Fate(NamedTuple):
    """What becomes of an example: it is held exactly, or else on nft it is in nft's words, near by a name, or refused
    for a reason.
    """

    kind: str
    why: str


EXACT, IN_NFT, NEAR, REFUSED = "exact", "in nft", "near", "refused"


def rows(kind: str, known: dict[str, Extension]) -> Iterator[str]:
    """One line of the table for each extension."""
    for name, extension in known.items():
        shown = f"{kind} {name}"
        found = list(outcomes(shown))
        assert found, f"no example of {shown}"
        exact = dict.fromkeys(
            one for words, fate in found if fate.kind == EXACT for one in _names(words, shown) or ["alone"]
        )
        in_nft = dict.fromkeys(
            one for words, fate in found if fate.kind == IN_NFT for one in _names(words, shown) if one not in exact
        )
        cells = [_list(exact), _list(in_nft), _cell(found, shown, NEAR), _cell(found, shown, REFUSED)]
        families = "" if len(extension.families) == 2 else f" ({next(iter(extension.families)).nfproto})"
        yield f"| `{shown}`{families} | {' | '.join(cells)} |"


def _list(names: Iterable[str]) -> str:
    return ", ".join(one if one == "alone" else f"`{one}`" for one in names) or "-"


def _cell(found: list[tuple[str, Fate]], shown: str, kind: str) -> str:
    """The options of the first example of each reason."""
    reasons: dict[str, str] = {}
    for words, fate in found:
        if fate.kind == kind:
            reasons.setdefault(fate.why, _options(words, shown))
    return "; ".join(f"`{words}`: {why}" if words else why for why, words in reasons.items()) or "-"


def outcomes(shown: str) -> Iterator[tuple[str, Fate]]:
    """The examples that name an extension, and what becomes of it."""
    for name, chain, words, family in EXAMPLES:
        if re.search(rf"{shown}(?: |$)", words):
            (found,), _ = import_all(table(f"-A {chain} {words}", name=name), family=family)
            nodes = (
                node
                for each in found.chains
                for rule in each.rules
                for node in (*rule.matches, *rule.statements)
                if isinstance(node, OpaqueMatch | OpaqueStatement) and node.words.startswith(shown)
            )
            node = next(nodes, None)
            yield words, _on_nft(found) if node is None else _fate(node)


def _on_nft(found: Ruleset) -> Fate:
    """What nft makes of nodes that polc knows."""
    output = NftBackend().emit(pipeline.run(found), Options("json"))
    for one in output.deviations:
        if one.fidelity is Fidelity.REFUSED:
            return Fate(REFUSED, one.message)
        if one.fidelity is Fidelity.APPROXIMATE:
            return Fate(NEAR, f"`{one.name}`")
    return Fate(EXACT, "")


def _fate(node: OpaqueMatch | OpaqueStatement) -> Fate:
    if isinstance(node, OpaqueStatement):
        return Fate(NEAR, f"`{node.omission.name}`") if node.omission else Fate(REFUSED, node.reason)
    if node.nft is not None:
        return Fate(IN_NFT, "")
    return Fate(NEAR, f"`{node.nearest.name}`") if node.nearest else Fate(REFUSED, node.reason)


def _own(words: str, shown: str) -> list[str]:
    """The words of the extension in an example, behind its name."""
    _, _, behind = words.partition(shown)
    own: list[str] = []
    for word in shlex.split(behind):
        if word in ("-m", "-j"):
            break
        own.append(word)
    return own


def _names(words: str, shown: str) -> list[str]:
    return [word for word in _own(words, shown) if word.startswith("--")]


def _options(words: str, shown: str) -> str:
    return " ".join(word if " " not in word else f'"{word}"' for word in _own(words, shown)).replace("|", "\\|")


def made() -> str:
    """What stands between the markers."""
    head = ["| extension | held exactly | in nft's words | near | refused on nft |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows("-m", dict(MATCHES)), *rows("-j", dict(TARGETS))]) + "\n"


def written() -> tuple[str, str, str]:
    """The page in three parts, of which the second is the table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before, inside, after


if __name__ == "__main__":
    first, _, last = written()
    PAGE.write_text(f"{first}{BEGIN}{made()}{END}{last}")
