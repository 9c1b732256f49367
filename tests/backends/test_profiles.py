"""What profiles have: the facts about versions, and how `--for` is read."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polc.backends.features import Feature
from polc.backends.profile import HOST, OLDEST, PROFILES, Profile
from polc.backends.profile_names import parse_profile
from polc.backends.registry import BACKENDS
from polc.backends.requirements import REQUIREMENTS

VERSIONED = {
    feature for feature, needed in REQUIREMENTS.items() if (needed.nft, needed.iptables, needed.kernel) != (None,) * 3
}

LACKING: dict[str, str] = {
    "0.9.8": (
        "NETDEV_EGRESS CHAIN_DEVICE_JSON CHAIN_DEVICES_JSON CHAIN_COMMENT_JSON FLOWTABLE_JSON "
        "FLOWTABLE_OFFLOAD DESTROY CONCAT_RANGES_OF_NUMBERS CONCAT_RANGE_MAPS CATCHALL_ELEMENT "
        "INTERFACE_WILDCARD_SETS SET_STATEMENT_JSON SET_DYNAMIC_JSON TCP_OPTION_NAMES CT_TIMEOUT_JSON "
        "MARK_FROM_MARK TCP_OPTION_RESET LAST_STATEMENT QUEUE_EXPRESSION"
    ),
    "1.0.2": (
        "CHAIN_DEVICE_JSON CHAIN_DEVICES_JSON CHAIN_COMMENT_JSON FLOWTABLE_JSON DESTROY "
        "CONCAT_RANGES_OF_NUMBERS INTERFACE_WILDCARD_SETS SET_STATEMENT_JSON SET_DYNAMIC_JSON CT_TIMEOUT_JSON "
        "MARK_FROM_MARK TCP_OPTION_RESET LAST_STATEMENT"
    ),
    "1.0.6": (
        "CHAIN_DEVICES_JSON CHAIN_COMMENT_JSON DESTROY CT_PORT_SET SET_DYNAMIC_JSON CT_TIMEOUT_JSON "
        "MARK_FROM_MARK LAST_STATEMENT"
    ),
    "1.0.9": "CHAIN_DEVICES_JSON MARK_FROM_MARK",
    "1.1.3": "",
}
"""What releases of nft did with the probes of ``polc.kernel.probes_nft`` on a new kernel with flowtables and queues:
those they failed.
"""

GENEROUS = {"0.9.8": {Feature.CT_PORT_SET}, "1.0.2": {Feature.CT_PORT_SET}}
"""They can, and 1.0.6 cannot: whoever has the older ones does without it."""


@pytest.mark.parametrize("nft", LACKING)
def test_releases_have_what_they_had_when_they_were_tried(nft: str) -> None:
    profile = Profile("tried", tuple(map(int, nft.split("."))), (9,), (9,))
    lacking = {feature for feature in Feature if not profile.has(feature)}
    assert lacking == {Feature[name] for name in LACKING[nft].split()} | GENEROUS.get(nft, set())


def test_every_feature_says_what_it_is_and_who_says_so() -> None:
    assert REQUIREMENTS.keys() == set(Feature)
    for feature, needed in REQUIREMENTS.items():
        assert needed.what, feature
        assert "CONFIG" in needed.source or "announced" in needed.source or "tried" in needed.source, feature
        assert feature.target in BACKENDS
    assert len(VERSIONED) > 20


def test_profiles_have_names_and_the_oldest_of_all_is_the_default() -> None:
    assert {name: one.name for name, one in PROFILES.items()} == {name: name for name in PROFILES}
    assert HOST not in PROFILES
    for one in PROFILES.values():
        assert (one.nft, one.iptables, one.kernel) >= (OLDEST.nft, OLDEST.iptables, OLDEST.kernel)
        assert one.nft >= OLDEST.nft
        assert one.iptables >= OLDEST.iptables
        assert one.kernel >= OLDEST.kernel


def test_a_newer_host_has_all_that_an_older_one_has() -> None:
    newer = Profile("newer", (1, 1, 3), (1, 8, 11), (6, 18))
    for feature in Feature:
        assert newer.has(feature)
        assert all(older.has(feature) <= newer.has(feature) for older in PROFILES.values())


@pytest.mark.parametrize("part", ["nft", "kernel"])
def test_a_feature_needs_the_tool_and_the_kernel(part: str) -> None:
    new = Profile("new", (1, 0, 7), OLDEST.iptables, (6, 3))
    assert new.has(Feature.DESTROY)
    old = replace(new, nft=(1, 0, 6)) if part == "nft" else replace(new, kernel=(6, 2))
    assert not old.has(Feature.DESTROY)


def test_what_was_measured_goes_before_versions() -> None:
    measured = replace(
        OLDEST,
        name=HOST,
        present=frozenset({Feature.DESTROY}),
        absent=frozenset({Feature.FLOWTABLE, Feature.XT_RECENT}),
    )
    assert measured.has(Feature.DESTROY)
    assert not measured.has(Feature.FLOWTABLE)
    assert measured.lacks(Feature.FLOWTABLE) == (
        "this host has no flowtables", "it takes a kernel with CONFIG_NF_FLOW_TABLE"
    )  # fmt: skip
    assert measured.lacks(Feature.XT_RECENT)[0] == "this host has no match `recent`"


def test_who_lacks_something_is_told_what_is_too_old_and_who_has_it() -> None:
    assert OLDEST.lacks(Feature.DESTROY) == (
        "nft 0.9.8 with Linux 5.10 (profile `debian-11`) has no `destroy`",
        "`--for ubuntu-24.04` where that is the host",
    )  # fmt: skip
    assert PROFILES["rhel-9"].lacks(Feature.DESTROY)[0] == "Linux 5.14 (profile `rhel-9`) has no `destroy`"
    assert OLDEST.lacks(Feature.SET_STATEMENT_JSON)[1] == "`--format text`, or `--for debian-12` where that is the host"
    assert OLDEST.lacks(Feature.MARK_FROM_MARK)[1] == "`--for nft=1.1.2,kernel=6.13` where that is the host"


@pytest.mark.parametrize("feature", sorted(VERSIONED, key=lambda one: one.value))
def test_the_profile_that_is_offered_has_it(feature: Feature) -> None:
    if not OLDEST.has(feature):
        offered = OLDEST.lacks(feature)[1].split("--for ")[1].split("`")[0]
        assert parse_profile(offered).has(feature)


@pytest.mark.parametrize("name", PROFILES)
def test_names_are_read(name: str) -> None:
    assert parse_profile(name) is PROFILES[name]


def test_versions_are_read() -> None:
    assert parse_profile("nft=1.0.6,kernel=6.1") == Profile("nft=1.0.6,kernel=6.1", (1, 0, 6), OLDEST.iptables, (6, 1))
    spaced = parse_profile("kernel=6, iptables = 1.8.11")
    assert (spaced.name, spaced.kernel) == ("kernel=6,iptables=1.8.11", (6,))
    assert parse_profile("kernel=6").has(Feature.NETDEV_EGRESS) is False
    assert parse_profile("nft=1.1,kernel=7").has(Feature.DESTROY)
    assert parse_profile("nft=0.9.8.1").nft == (0, 9, 8, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("debain-12", "no profile `debain-12`, did you mean `debian-12`? (the profiles are debian-11, "),
        ("hots", "did you mean `host`?"),
        ("", "no profile ``"),
        ("banana", "no profile `banana` (the profiles are debian-11, "),
        ("kernal=5.10", "`kernal` has no version here, did you mean `kernel`?"),
        ("bash=5", "`bash` has no version here: only nft, iptables and kernel have one"),
        ("nft=1.0,nft=1.1", "`nft` is there twice"),
        ("nft=", "`` is not a version of nft, such as 0.9.8"),
        ("nft=1.0.6-2", "`1.0.6-2` is not a version of nft"),
        ("nft=v1", "`v1` is not a version"),
        ("nft=1.0.6,", "`` has no version here"),
        ("nft=٣.1", "is not a version"),
        ("nft=99999", "is not a version"),
        ("nft=0.9.7", "nft 0.9.7 is too old: polc writes for nft 0.9.8 or newer"),
        ("nft=0.9", "nft 0.9 is too old"),
        ("kernel=4.19", "kernel 4.19 is too old: polc writes for kernel 5.10 or newer"),
        ("iptables=1.8.4", "iptables 1.8.4 is too old: polc writes for iptables 1.8.7 or newer"),
    ],
)
def test_what_is_no_profile(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_profile(text)


@given(st.text() | st.text("nftkerlipabs=.,0123456789 ", max_size=40))
def test_any_text_is_a_profile_or_told_not_to_be_one(text: str) -> None:
    with suppress(ValueError):
        found = parse_profile(text)
        assert parse_profile(found.name) == found
