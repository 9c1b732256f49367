"""What a reviewer reads of the changes that people make most: of the gateway, before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
from between import between

from polc.diffing.as_text import sentence
from polc.diffing.changes import Kind
from polc.diffing.words import change_text

GATEWAY = (Path(__file__).parents[2] / "examples" / "gateway.yaml").read_text().replace("polc: 1\n", "")


def changed(*replacements: tuple[str, str]) -> str:
    text = GATEWAY
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def read(after: str, **options: object) -> list[str]:
    found = between(GATEWAY, after, **options)
    assert found.complete
    assert not found.undecided
    for region in found.regions:
        assert region.witness is not None, region.unshown
    return [f"{change_text(one)}: {sentence(found, one)}" for one in found.regions]


OUTSIDE = "from all but @not-outside"
REVIEWS = {
    "a port is opened": (
        (("    - accept wireguard from wan state new\n", "    - accept wireguard, tcp/8080 from wan state new\n"),),
        [f"drop => accept: wan -> host, tcp/8080 {OUTSIDE}"],
    ),
    "a source is narrowed": (
        (("accept ssh from lan state new", "accept ssh from lan 192.168.1.0/24 state new"),),
        ["accept => drop: lan -> host, tcp/22 from all but 192.168.1.0/24"],
    ),
    "a rule is moved": (
        (
            ("    - reject with admin-prohibited from lan, dmz\n", ""),
            (
                "    - accept web from dmz to wan state new\n",
                "    - reject with admin-prohibited from lan, dmz\n    - accept web from dmz to wan state new\n",
            ),
        ),
        ["accept => reject with admin-prohibited: dmz -> wan, tcp/80,443 (web)"],
    ),
    "a range is widened": (
        (("web: tcp/80,443", "web: tcp/80,443,8000-8100"),),
        [
            "reject with admin-prohibited => accept: dmz -> wan, tcp/8000-8100",
            f"drop => accept: wan -> dmz, tcp/8000-8100 {OUTSIDE}, IPv4, fib daddr type local",
            f"drop => accept: wan -> dmz, tcp/8000-8100 {OUTSIDE} to @web-server, IPv4, fib daddr type not local",
            f"drop => accept: wan -> dmz, tcp/8000-8100 {OUTSIDE} to @web-server, IPv6",
            f"nat: no nat => dnat to 192.168.2.10: wan -> any, tcp/8000-8100 {OUTSIDE}, IPv4, state related, "
            "fib daddr type local",
            f"nat: no nat => dnat to 192.168.2.10: wan -> host, tcp/8000-8100 {OUTSIDE}, IPv4, state related, "
            "fib daddr type local",
        ],
    ),
    "a rule is reordered without effect": (
        (
            ("    - accept ssh from lan state new\n", ""),
            (
                "    - accept wireguard from wan state new\n",
                "    - accept wireguard from wan state new\n    - accept ssh from lan state new\n",
            ),
        ),
        [],
    ),
    "the answer is another one": (
        (("    - reject with admin-prohibited from lan, dmz\n", "    - drop from lan, dmz\n"),),
        None,
    ),
    "a limit is raised": (
        (("over 10/minute burst 10", "over 20/minute burst 10"),),
        [
            f"drop => accept: wan -> host, tcp/22 {OUTSIDE}, limit over 10/minute burst 10 per source, "
            "limit under 20/minute burst 10 per source",
            f"accept => drop: wan -> host, tcp/22 {OUTSIDE}, limit under 10/minute burst 10 per source, "
            "limit over 20/minute burst 10 per source",
        ],
    ),
}


@pytest.mark.parametrize(("replacements", "wanted"), REVIEWS.values(), ids=REVIEWS)
def test_reviews(replacements: tuple[tuple[str, str], ...], wanted: list[str] | None) -> None:
    sentences = read(changed(*replacements))
    if wanted is None:
        assert sentences
        assert all(one.startswith("reject with admin-prohibited => drop: ") for one in sentences)
    else:
        assert sentences == wanted


def test_a_nat_target_is_changed() -> None:
    sentences = read(changed(("-> 192.168.2.10\n", "-> 192.168.2.11\n"), ("[192.168.2.10,", "[192.168.2.11,")))
    assert sentences[:3] == [
        f"drop => accept: wan -> dmz, tcp/80,443 (web) {OUTSIDE} to @new web-server, IPv4, fib daddr type not local",
        f"accept => drop: wan -> dmz, tcp/80,443 (web) {OUTSIDE} to @old web-server, IPv4, fib daddr type not local",
        "nat: dnat to 192.168.2.10 => dnat to 192.168.2.11: wan -> dmz, tcp/80,443 (web) "
        f"{OUTSIDE}, IPv4, fib daddr type local",
    ]


def test_a_default_is_changed() -> None:
    found = between(GATEWAY, changed(("forward:\n  default: drop", "forward:\n  default: accept")))
    assert {(one.road.name, one.change.before, one.change.after) for one in found.regions} == {
        ("forwarded", "drop", "accept")
    }
    assert found.total < 15
    first = sentence(found, found.regions[0])
    assert first.startswith("loopback, any other interface -> any, all but icmp,icmpv6")
    assert f"wan -> all but dmz, all but icmp,icmpv6 {OUTSIDE}" in [sentence(found, one) for one in found.regions]


def test_effects_are_compared_when_asked_for() -> None:
    after = changed(('log "input: "', 'log "in: "'))
    assert read(after) == []
    found = between(GATEWAY, after, effects=True)
    assert {one.change.kind for one in found.regions} == {Kind.EFFECTS}
    assert {(one.change.before, one.change.after) for one in found.regions} == {
        ('log "input: " level warn', 'log "in: " level warn')
    }


def test_a_group_that_means_another_thing_is_told_apart() -> None:
    head = "addresses: {admins: [%s]}\n"
    rules = "input: {default: drop, rules: [accept ssh from @admins]}\n"
    found = between(head % "198.51.100.0/24" + rules, head % "198.51.100.0/24, 203.0.113.7" + rules)
    assert [sentence(found, one) for one in found.regions] == ["any -> host, tcp/22 from 203.0.113.7"]


def test_everything_but_a_group() -> None:
    head = 'addresses: {banned: [198.51.100.0/24, 203.0.113.7, "2001:db8::/32"]}\n'
    found = between(
        f"{head}input: {{default: accept}}\n",
        f"{head}input: {{default: accept, rules: [accept from @banned, drop tcp/1-1023]}}\n",
    )
    assert [sentence(found, one) for one in found.regions] == ["any -> host, tcp/1-1023 from all but @banned"]
