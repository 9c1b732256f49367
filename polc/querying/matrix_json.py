"""The matrix for machines."""

from __future__ import annotations

from polc.querying.matrix import Matrix
from polc.querying.report_json import decider_json
from polc.simulate.packet_format import Json


def matrix_json(matrix: Matrix) -> dict[str, Json]:
    """``{"zones": [...], "services": [...], "entries": [{"from": "wan", "to": "host", "service": "ssh", "accepted":
    "yes", "rules": [...]}]}``; ``accepted`` is ``yes``, ``limited``, ``some``, ``no`` or ``unknown``.
    """
    return {
        "title": matrix.title,
        "zones": list(matrix.zones),
        "services": list(matrix.services),
        "entries": [
            {
                "from": one.source,
                "to": one.destination,
                "service": one.service,
                "accepted": one.cell.value,
                "rules": [decider_json(rule) for rule in one.rules],
            }
            for one in matrix.entries
        ],
        "undecided": list(matrix.undecided),
        "left_out": list(matrix.left_out),
    }
