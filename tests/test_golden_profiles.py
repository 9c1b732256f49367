"""Every golden policy for every profile: compiled, or refused with a reason; and on this host with packets."""

from __future__ import annotations

from functools import cache

import pytest
from packet_text import parse_test
from test_golden import GOLDEN, NAMES, ask, gateway, lines_of

from polc.backends.features import Feature
from polc.backends.model import Fidelity, Options, Output
from polc.backends.profile import OLDEST, PROFILES, Profile
from polc.backends.registry import BACKENDS
from polc.compiler import produce, read
from polc.ir.ruleset import Ruleset
from polc.kernel.capabilities import measure
from polc.kernel.loaders import LOADERS


@cache
def ruleset(name: str) -> Ruleset:
    return read(str(GOLDEN / f"{name}.yaml"))


def outputs(name: str, profile: Profile) -> dict[tuple[str, str], Output]:
    return {
        (target, form): produce(ruleset(name), target, Options(form, profile))
        for target, backend in BACKENDS.items()
        for form in backend.formats
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_goldens_compile_or_are_refused_with_a_reason(profile: Profile) -> None:
    for name in NAMES:
        for (target, form), output in outputs(name, profile).items():
            refused = [one for one in output.deviations if one.fidelity is Fidelity.REFUSED]
            assert all(one.message for one in refused)
            assert output.files or refused
            # What is refused for the oldest may be there for a newer one, never the other way round.
            old = produce(ruleset(name), target, Options(form, OLDEST)).deviations
            places = {one.origin for one in old if one.fidelity is Fidelity.REFUSED}
            assert {one.origin for one in refused} <= places


def test_newer_profiles_choose_other_words() -> None:
    newest = PROFILES["debian-13"]
    differ = {name for name in NAMES if outputs(name, newest) != outputs(name, OLDEST)}
    assert differ >= {"endpoints", "where-flow", "where-packet"}


def test_bits_of_marks_are_copied_on_a_kernel_that_can() -> None:
    newest = Profile("newest", (1, 1, 2), OLDEST.iptables, (6, 13))
    assert newest.has(Feature.MARK_FROM_MARK)
    for output in outputs("marks-masked", newest).values():
        assert not output.deviations


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "ipset")
@pytest.mark.parametrize("name", NAMES)
def test_what_this_host_is_given_it_loads_and_does(name: str) -> None:
    """Only what differs from the goldens as they are kept: the others are loaded by ``test_golden.py``."""
    host = measure(frozenset(BACKENDS))
    for loader in LOADERS:
        options = Options(BACKENDS[loader.target].formats[0], host)
        output = produce(ruleset(name), loader.target, options)
        if any(one.fidelity is Fidelity.REFUSED for one in output.deviations):
            continue
        if output.files == produce(ruleset(name), loader.target, Options(options.format)).files:
            continue
        lines = lines_of(name)
        cases = [parse_test(line) for line in lines]
        with gateway() as namespace:
            loader.load(namespace, output)
            for emitted, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
                assert loader.differences(emitted.text, listed.text) == ()
            fates = ask(namespace, [packet for _, packet in cases])
        for line, (verdict, _), fate in zip(lines, cases, fates, strict=True):
            assert fate.verdict == verdict, line
