"""Facts about the numeric header fields that rules match."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.family import Family
from polc.ir.matches import Field


@dataclass(frozen=True, slots=True)
class FieldFact:
    """``highest`` is the largest value; ``family`` the only one whose packets have the field."""

    family: Family
    highest: int


FIELDS: dict[Field, FieldFact] = {
    Field.TTL: FieldFact(Family.IP, 255),  # RFC 791, 3.1
    Field.HOPLIMIT: FieldFact(Family.IP6, 255),  # RFC 8200, 3
}
