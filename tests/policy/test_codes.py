"""Each code is documented, triggered by its example, and not by a near miss."""

from __future__ import annotations

import pytest
from policies import policy, read_bytes

from polc.diagnostics.codes import CODES, Code
from polc.ir.ruleset import Ruleset

# Outputs, packets and inventories have tests of their own.
_OTHERS = ("POL05", "POL06", "POL07", "POL08")
OURS = {code.code: code for code in CODES.values() if code.code < "POL3" and not code.code.startswith(_OTHERS)}
WITH_EXAMPLE = {name: code for name, code in OURS.items() if code.example}

NEAR_MISSES: dict[str, str] = {
    "POL003": '{"polc": 1, "zones": {"wan": "eth\\u0030"}}\n',
    "POL004": "polc: 1\n# nothing yet\n",
    "POL006": "polc: 1\nzones: {wan: eth0}\n",
    "POL008": "polc: 1\nzones: {wan: [eth0]}\n",
    "POL009": "polc: 1\nzones: {wan: &uplink eth0, lan: *uplink}\n",
    "POL010": "polc: 1\n",
    "POL011": "polc: 1\nzones:\n  wan: eth0\n  lan: eth1\n",
    "POL012": 'polc: 1\nzones: {_1: eth0, "no": eth1}\n',
    "POL013": "---\npolc: 1\n...\n",
    "POL014": "polc: 1\nzones: {wan: !!str eth0}\n",
    "POL016": "polc: 1\ninclude: []\n",
    "POL101": "polc: 1\nzones: {wan: eth0}\n",
    "POL102": "polc: 1\ninput: {default: drop, rules: []}\n",
    "POL103": "polc: 1\nzones: {wan: eth0}\n",
    "POL104": "polc: 1\ninput: {default: drop}\n",
    "POL105": "polc: 1\nzones: {my-wan: eth0}\n",
    "POL106": "polc: 1\naddresses: {admins: [192.0.2.1]}\n",
    "POL107": "polc: 1.0\n",
    "POL108": policy("{verdict: drop, service: ssh, hits: {count: 255, within: 10s, per: source}}"),
    "POL110": policy("drop ssh state new limit 10/minute per source"),
    "POL111": policy("accept ssh state new, established"),
    "POL112": policy("{verdict: accept, from: {not_address: 192.0.2.2}}"),
    "POL113": policy("drop ssh state new hits 255 in 100s per source"),
    "POL114": policy("drop ssh state new over 10/day"),
    "POL115": policy("accept tcp/65535"),
    "POL116": policy("accept ssh from 192.0.2.0/24"),
    "POL117": "polc: 1\nzones: {wan: long-interface0}\n",
    "POL119": policy("drop ssh state new over 10/minute per source/24,/56"),
    "POL120": policy(f'drop log "{"x" * 127}"'),
    "POL231": policy('drop log "in-drop" level info'),
    "POL121": policy("mark set 0x10 mask 0xff"),
    "POL232": "timeouts: {short: {protocol: tcp, close: 10s}}\n" + policy("ct timeout set short tcp"),
    "POL233": "flowtables: {fast: {devices: [eth0]}}\n" + policy("flow add @fast tcp", chain="forward"),
    "POL234": policy("'vmap tcp sport {22: accept}'"),
    "POL235": policy("'vmap tcp dport {22: accept, 23-30: drop}'"),
    "POL236": policy("'vmap saddr . tcp dport {192.0.2.1 . 22: accept}'"),
    "POL240": policy("drop tcp over 10/minute per dport"),
    "POL241": policy("mark set 1 udp/53"),
    "POL242": policy("accept tcp/80 where ct status dnat"),
    "POL243": policy("accept where ip ttl < 1"),
    "POL244": policy("drop ssh over 10/minute per source"),
    "POL245": policy("return to 192.0.2.0/24"),
    "POL246": policy("accept where (ip ttl 1 or ip ttl 2) and (ip dscp ef or ip ttl 4)"),
    "POL247": policy("'return tcp/80 log \"web: \"'"),
    "POL248": policy("accept tcp/80 to 192.0.2.10"),
    "POL201": policy("accept ssh from loopback"),
    "POL202": "addresses: {admins: 192.0.2.1}\n" + policy("accept ssh from @admins"),
    "POL203": policy("accept ssh"),
    "POL204": policy("use stateful"),
    "POL205": policy("helper ftp tcp/21"),
    "POL206": policy("accept ssh state new"),
    "POL207": policy("reject with no-route"),
    "POL208": policy("accept tcp/22"),
    "POL209": policy("accept icmpv6/packet-too-big"),
    "POL210": policy("{rule: accept ssh, id: a}", "{rule: accept http, id: b}"),
    "POL211": "polc: 1\nservices: {https: {ports: tcp/443}, ftp: {ports: tcp/21, helper: ftp}}\n",
    "POL212": 'polc: 1\naddresses: {office: ["@staff"], staff: [192.0.2.1]}\n',
    "POL214": "polc: 1\ninput: {default: accept, rules: [accept ssh]}\n",
    "POL220": policy("accept ssh from 192.0.2.1,2001:db8::2 to 2001:db8::1"),
    "POL221": policy("accept ssh from wan to 192.0.2.1", head="zones: {wan: eth0}\n"),
    "POL222": policy("use loopback", chain="output"),
    "POL223": policy("accept udp sport 53"),
    "POL224": policy("reject with tcp-reset tcp/53"),
    "POL225": policy("reject with net-unreachable ssh from 0.0.0.0/0"),
    "POL226": policy("helper tftp udp/69"),
    "POL227": policy("accept tcp/21 helper ftp"),
    "POL228": "polc: 1\nservices: {files: {ports: tcp/21, helper: ftp}}\n"
    "input: {default: drop, rules: ['accept files, tcp/22-30']}\n",
    "POL230": policy("accept tcp/22"),
    "POL249": policy('{native: {nft: "tcp dport { 22, 23 } accept"}}'),
}


@pytest.mark.parametrize("code", OURS.values(), ids=OURS)
def test_is_documented(code: Code) -> None:
    for text in (code.title, code.what, code.why, code.instead):
        assert text
        assert not text.endswith(".")


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_its_example_triggers_it_alone(name: str) -> None:
    found = read_bytes(WITH_EXAMPLE[name].example.encode())
    assert not isinstance(found, Ruleset), "accepted"
    assert [one.code for one in found] == [name]
    assert found[0].span is not None


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_its_near_miss_does_not(name: str) -> None:
    found = read_bytes(NEAR_MISSES[name].encode())
    assert isinstance(found, Ruleset), found


def test_what_has_no_example_cannot_be_told_by_one_text() -> None:
    assert OURS.keys() - WITH_EXAMPLE.keys() == {
        "POL001",
        "POL002",
        "POL005",
        "POL007",
        "POL015",
        "POL213",
        "POL251",
    }
