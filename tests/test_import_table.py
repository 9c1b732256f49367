"""docs/iptables.md says of each extension what the importer does with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from import_table import EXAMPLES, MATCHES, TARGETS, Extension, _names, made, written
from needed import lacking

from polc.kernel.programs import find

KNOWN: dict[str, Extension] = {
    **{f"-m {name}": one for name, one in MATCHES.items()},
    **{f"-j {name}": one for name, one in TARGETS.items()},
}


def test_it_is_fresh() -> None:
    """If not: ``python tests/import_table.py``."""
    assert written()[1] == made()


@pytest.mark.parametrize("shown", KNOWN)
def test_every_option_is_in_an_example(shown: str) -> None:
    seen = {
        option for *_, words, _ in EXAMPLES if re.search(rf"{shown}(?: |$)", words) for option in _names(words, shown)
    }
    missing = [
        option.shown
        for option in KNOWN[shown].options
        if option.shown not in seen and not any(f"--{other}" in seen for other in option.also)
    ]
    assert shown in ALIKE or missing == []


ALIKE = frozenset({"-m rateest", "-m set", "-j CLUSTERIP", "-j HMARK", "-j SET", "-j ULOG"})
"""Extensions that are refused whatever their options are, or, with sets of the files, none of them."""


def test_every_extension_of_the_installed_iptables_is_known() -> None:
    libraries = [*Path("/usr/lib").glob("*/xtables/lib*_*.so"), *Path("/usr/lib/xtables").glob("lib*_*.so")]
    if not (find("iptables") and libraries):
        lacking("iptables is not installed")
    names = {found[1] for one in libraries if (found := re.fullmatch(r"lib(?:xt|ipt|ip6t)_(\w+)\.so", one.name))}
    known = {*MATCHES, *TARGETS}
    # One library has all targets of NAT, and the other those verdicts that are none.
    assert names - known <= {"NAT", "standard"}
    assert len(names) > 80
