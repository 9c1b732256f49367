"""Which elements come and go: what is left afterwards is what was wanted, however it is spelled or cut."""

from __future__ import annotations

from ipaddress import IPv4Address, summarize_address_range

from hypothesis import given
from hypothesis import strategies as st

from polc.backends.nft.json_value import Json
from polc.backends.nft.normal_definitions import elements
from polc.live.nft_elements import Object, delta, delta_of_filled


@st.composite
def intervals(draw: st.DrawFn) -> list[Json]:
    """Disjoint elements of a set of addresses: single ones, prefixes, ranges."""
    found: list[Json] = []
    at = 0
    for _ in range(draw(st.integers(0, 6))):
        low = at + draw(st.integers(0, 3))
        high = low + draw(st.integers(0, 6))
        at = high + 1
        first, last = IPv4Address(0x0A000000 + low), IPv4Address(0x0A000000 + high)
        if draw(st.booleans()):
            found.append(str(first) if low == high else {"range": [str(first), str(last)]})
        else:
            nets = summarize_address_range(first, last)
            found += [
                str(net[0]) if net.prefixlen == 32 else {"prefix": {"addr": str(net[0]), "len": net.prefixlen}}
                for net in nets
            ]
    return found


def a_set(elem: list[Json]) -> Object:
    return {"name": "s", "type": "ipv4_addr", "flags": ["interval"], "elem": elem}


@given(intervals(), intervals())
def test_what_is_left_is_what_was_wanted(seen: list[Json], wanted: list[Json]) -> None:
    found = delta(a_set(seen), a_set(wanted))
    assert all(one in seen for one in found.gone)
    left = [one for one in seen if one not in found.gone]
    assert elements(a_set([*left, *found.new])) == elements(a_set(wanted))
    if elements(a_set(seen)) == elements(a_set(wanted)):
        assert not found


@given(intervals(), intervals(), intervals())
def test_what_was_added_at_run_time_stays(seen: list[Json], wanted: list[Json], former: list[Json]) -> None:
    found = delta_of_filled(a_set(seen), a_set(wanted), a_set(former))
    assert all(one in seen for one in found.gone)
    assert all(elements(a_set([one])) in [elements(a_set([each])) for each in former] for one in found.gone)
    left = [one for one in seen if one not in found.gone]
    assert elements(a_set([*left, *found.new])).covers(elements(a_set(wanted)))
