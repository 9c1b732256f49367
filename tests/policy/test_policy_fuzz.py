"""Any bytes are a policy or diagnostics; nothing else ever comes out. POLC_FUZZ_EXAMPLES sets how many are tried."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from policies import HEAD, policy, read_bytes

from polc.diagnostics.text import render
from polc.ir.ruleset import Ruleset

EXAMPLES = int(os.environ.get("POLC_FUZZ_EXAMPLES", "150"))
SEEDS = [
    (HEAD + policy("use icmp-essentials", "drop ssh over 1/minute per source", "accept web, files from wan @admins")),
    policy("'vmap saddr . tcp dport {192.0.2.1 . 22: accept, 2001:db8::1 . 80: jump c}'", head="chains: {c: [drop]}\n"),
    policy("{vmap: iifname, verdicts: {eth0: accept}, mark: {set: {map: tcp dport, to: {22: 1}}}}")
    + "ingress: {eth0: {default: drop, rules: [accept]}}\ntimeouts: {t: {protocol: tcp, close: 9s}}\n",
    policy("{verdict: accept, service: [dns, 'tcp/1'], hits: {count: 1, within: 1s, per: source}}"),
    '{"polc": 1, "input": {"default": "reject", "rules": ["accept ssh comment \\"\\u00e9\\""]}}',
    "polc: 1\nx: &a [1, *a]\n<<: {a: b}\n? b\n: c\n",
]  # fmt: skip
PIECES = st.sampled_from(
    [
        *(b"&a ", b"*a", b"<<: ", b"!!str ", b"---\n", b"...\n", b"%TAG ! x\n", b"{", b"}", b"[", b"]", b": ", b"- "),
        *(b"\n", b"\t", b"\r", b"'", b'"', b"\\", b"|", b">", b"#", b"@", b"\xff", b"\xef\xbb\xbf", b"\x00"),
        *(b"\xc2\x85", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"polc: 1\n", b"not ", b"per ", b"- {use: "),
        *(b"1e999", b"0x", b".inf", b"9" * 500, b"include: ['']\n"),
    ]
)
WORDS = """
    accept drop reject use helper with from to not state limit over hits in per burst sport proto comment refresh , ,
    ssh web files wan lan loopback @admins @four 192.0.2.1 ::/0 0.0.0.0/0 tcp/22 udp icmp/3/4 echo-request 80 1-9
    log level info count counter dport jump goto return connections quota upto where and or ( ) { } == != < & | /
    ban mark set save restore mask dscp mss clamp size notrack synproxy wscale timestamp tproxy snat dnat masquerade
    redirect netmap -> :80 192.0.2.1:80 [::1]:80 none random persistent at group mbytes bytes/second 0x1/0xff fragment
    ct status assured meta mark hour 22:00-06:00 ip ttl tcp flags syn option sack-perm exists rpfilter loose fails
    vmap map { } 22: eth0: : . {22: accept} {eth0: 1} iifname saddr tcp dport queue flags bypass fanout trace dup device
    flow add @fast reset xor inc dec snaplen queue-threshold fully-random ether 1:10 2001:db8::1 eth0 "wg*" short
    10/minute 5 9s source /56 source/24 new invalid ftp tcp-reset net-unreachable stateful "c" gre ''
"""


FLOWS = f"{HEAD}timeouts: {{short: {{protocol: tcp, close: 9s}}}}\nflowtables: {{fast: {{devices: [eth0]}}}}\n"
FIELDS = ("ct status", "meta mark", "ip ttl", "tcp flags", "ct original saddr", "fib daddr type", "ether saddr",
          "ct zone", "ct timeout", "meta priority", "tcp option sack-perm", "exthdr frag", "esp spi",
          "fib daddr . iif type", "vmap tcp dport", "map saddr . tcp dport", "vmap iifname")  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A policy with pieces cut out and put in."""
    data = draw(st.sampled_from(SEEDS)).encode()
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        data = data[:start] + draw(PIECES | st.binary(max_size=3)) + data[end:]
    return data


@settings(max_examples=EXAMPLES, deadline=None)
@given(mangled() | st.binary(max_size=200), st.sampled_from(["policy.yaml", "policy.json"]))
def test_any_bytes(data: bytes, name: str) -> None:
    found = read_bytes(data, name)
    if not isinstance(found, Ruleset):
        assert render(found)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.sampled_from((*WORDS.split(), *FIELDS)), max_size=14),
    st.sampled_from(["input", "forward", "output", "nat", "raw: {prerouting", "mangle: {output"]),
)
def test_any_words(words: list[str], chain: str) -> None:
    text = " ".join(words).replace("'", "''")
    whole = policy(f"'{text}'", chain=chain, head=FLOWS)
    if chain not in ("input", "forward", "output"):
        whole = f"polc: 1\n{FLOWS}{chain}: ['{text}']{'}' * chain.count('{')}\n"
    found = read_bytes(whole.encode())
    if not isinstance(found, Ruleset):
        assert render(found)
