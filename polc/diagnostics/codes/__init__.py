"""The registry of codes: 0xx input, 1xx syntax, 2xx names, 4xx targets, 5xx imports, 6xx kernel, 9xx bugs."""

from polc.diagnostics.codes.analysis import ANALYSIS_CODES
from polc.diagnostics.codes.bugs import BUG_CODES
from polc.diagnostics.codes.clauses import CLAUSE_CODES
from polc.diagnostics.codes.fleet import FLEET_CODES
from polc.diagnostics.codes.imports import IMPORT_CODES
from polc.diagnostics.codes.input import INPUT_CODES
from polc.diagnostics.codes.kernel import KERNEL_CODES
from polc.diagnostics.codes.lift import LIFT_CODES
from polc.diagnostics.codes.model import Code
from polc.diagnostics.codes.names import NAME_CODES
from polc.diagnostics.codes.nft_import import NFT_IMPORT_CODES
from polc.diagnostics.codes.output import OUTPUT_CODES
from polc.diagnostics.codes.packets import PACKET_CODES
from polc.diagnostics.codes.proving import PROVING_CODES
from polc.diagnostics.codes.syntax import SYNTAX_CODES
from polc.diagnostics.codes.targets import TARGET_CODES

_ALL = sorted(
    (
        *INPUT_CODES,
        *OUTPUT_CODES,
        *PACKET_CODES,
        *PROVING_CODES,
        *FLEET_CODES,
        *SYNTAX_CODES,
        *NAME_CODES,
        *CLAUSE_CODES,
        *ANALYSIS_CODES,
        *TARGET_CODES,
        *IMPORT_CODES,
        *NFT_IMPORT_CODES,
        *LIFT_CODES,
        *KERNEL_CODES,
        *BUG_CODES,
    ),
    key=lambda code: code.code,
)

CODES: dict[str, Code] = {code.code: code for code in _ALL}
if len(CODES) != len(_ALL):
    raise ValueError("two diagnostics have the same code")

_ADVICE = frozenset(
    {
        "POL251",
        "POL516",
        "POL517",
        "POL518",
        "POL519",
        "POL520",
        "POL521",
        "POL522",
        "POL533",
        "POL534",
        "POL535",
        "POL541",
        "POL542",
    }
)


def is_advice(code: str) -> bool:
    """Whether the code stands for a note or a warning, which its reader may decide to live with; errors never do."""
    return code.startswith("POL3") or code in _ADVICE


__all__ = ["CODES", "Code", "is_advice"]
