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
    10/minute 5 9s source /56 source/24 new invalid ftp tcp-reset net-unreachable stateful "c" gre ''
"""


FIELDS = ("ct status", "meta mark", "ip ttl", "tcp flags", "ct original saddr", "fib daddr type", "ether saddr")


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
    st.sampled_from(["input", "forward", "output"]),
)
def test_any_words(words: list[str], chain: str) -> None:
    text = " ".join(words).replace("'", "''")
    found = read_bytes(policy(f"'{text}'", chain=chain, head=HEAD).encode())
    if not isinstance(found, Ruleset):
        assert render(found)
