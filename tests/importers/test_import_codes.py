"""Each code of an import is documented, triggered by its example, and not by a near miss."""

from __future__ import annotations

import pytest
from importing import import_all, table

from polc.diagnostics import Failure
from polc.diagnostics.codes import CODES, Code

OURS = {code.code: code for code in CODES.values() if code.code in {f"POL{number}" for number in range(501, 522)}}
WITH_EXAMPLE = {name: code for name, code in OURS.items() if code.example}

NEAR_MISSES: dict[str, str] = {
    "POL501": table("-A INPUT -j ACCEPT"),
    "POL502": table("-A INPUT -p tcp --dport 22 -j ACCEPT"),
    "POL503": table("-A INPUT -m conntrack --ctstate NEW -j ACCEPT"),
    "POL504": table("-A INPUT -p tcp --dport 22 -j ACCEPT"),
    "POL505": table("-A INPUT -p tcp --dport 65535 -j ACCEPT"),
    "POL506": table("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"),
    "POL507": table("-A INPUT -j LOGDROP", chains="LOGDROP"),
    "POL508": table("-A INPUT -p tcp --dport 22 --sport 23 -j ACCEPT"),
    "POL509": table("-A A -j B", "-A B -j C", chains="A B C"),
    "POL510": table("-A INPUT -i eth0 -j ACCEPT"),
    "POL511": table("-A INPUT -p tcp --dport 22 -m state --state NEW -m recent --set"),
    "POL512": "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
    "POL513": "#!/bin/sh\n/sbin/iptables -A INPUT -j DROP\n",
    "POL514": "iptables -A INPUT -j DROP\niptables -D INPUT -j DROP\n",
    "POL515": "create admins hash:ip\n",
    "POL516": table("-A INPUT -p tcp --dport 80 -m multiport --dports 80,443 -j ACCEPT"),
    "POL517": "iptables -A INPUT -j DROP\n",
    "POL519": table("-A UNUSED -j ACCEPT", "-A POSTROUTING -j UNUSED", name="nat", chains="UNUSED"),
    "POL520": "create both hash:net\n",
}


def codes(text: str) -> list[str]:
    try:
        _, notes = import_all(text)
    except Failure as failure:
        return [one.code for one in failure.diagnostics]
    return [one.code for one in notes]


@pytest.mark.parametrize("code", OURS.values(), ids=OURS)
def test_is_documented(code: Code) -> None:
    for text in (code.title, code.what, code.why, code.instead):
        assert text
        assert not text.endswith(".")


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_its_example_triggers_it_alone(name: str) -> None:
    assert codes(WITH_EXAMPLE[name].example) == [name]


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_its_near_miss_does_not(name: str) -> None:
    assert codes(NEAR_MISSES[name]) == []


def test_what_has_no_example_cannot_be_told_by_one_text() -> None:
    assert OURS.keys() - WITH_EXAMPLE.keys() == {"POL518", "POL521"}
