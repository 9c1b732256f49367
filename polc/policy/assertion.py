"""Assertions as they were written, each word with its place; what the words mean is not looked up yet."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from polc.policy.document import Clause, ServiceWord, Word
from polc.source import Span


class Quantity(Enum):
    """``NEVER``: no packet, whatever limits and sets say. ``ALWAYS``: each, whatever they say. ``MAY``: each, for some
    of what they can say.
    """

    NEVER = "never"
    ALWAYS = "always"
    MAY = "may"


class Verb(Enum):
    """``FORWARD`` is acceptance of what goes through the host."""

    ACCEPT = "accept"
    FORWARD = "forward"
    DROP = "drop"
    REJECT = "reject"


class Relation(Enum):
    """``EQUIVALENT``: the same becomes of each packet. ``IMPLIES``: what this one accepts the other accepts too."""

    EQUIVALENT = "equivalent"
    IMPLIES = "implies"


class Class(NamedTuple):
    """A class of packets, in the words of rules. ``opening``: only packets that begin a connection."""

    service: tuple[ServiceWord, ...]
    clauses: tuple[Clause, ...]
    span: Span
    opening: bool = False


class Claim(NamedTuple):
    """``never accept tcp/22 from wan``, or ``lan reaches wan``."""

    quantity: Quantity
    verb: Verb
    packets: Class
    span: Span


class Comparison(NamedTuple):
    """``equivalent PATH for CLASS``; ``packets`` None: all of them."""

    relation: Relation
    path: Word
    packets: Class | None
    span: Span


Assertion = Claim | Comparison


class Asserted(NamedTuple):
    """An assertion, its ``text`` on one line, and its author's reason."""

    assertion: Assertion
    text: str
    because: str = ""
