"""Each code of lifting is documented, told by its example, and not by a near miss."""

from __future__ import annotations

import pytest
from lifting import import_all

from polc.diagnostics.codes import CODES, is_advice
from polc.lift import lift

NEAR_MISSES = {
    "POL540": "*filter\n-A INPUT -i eth0.1 -j ACCEPT\nCOMMIT\n",
    "POL541": "*filter\n:rejected - [0:0]\n-A INPUT -j rejected\n-A rejected -j DROP\nCOMMIT\n",
}


def told(text: str) -> list[str]:
    (ruleset,), _ = import_all(text)
    policy = lift(ruleset)
    assert not policy.refused or not policy.text
    return [one.code for one in (*policy.refused, *policy.notes)]


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_a_code(name: str) -> None:
    code = CODES[name]
    assert told(code.example) == [name]
    assert told(NEAR_MISSES[name]) == []
    assert is_advice(name) is (name == "POL541")
    assert all(text and not text.endswith(".") for text in (code.title, code.what, code.why, code.instead))
