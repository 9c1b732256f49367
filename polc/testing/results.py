"""What came of cases."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.simulate.packet import Packet
from polc.source import Span
from polc.testing.cases import Case, CaseStep, Ends


class Status(Enum):
    """``SKIPPED``: this judge cannot try the case; the reason is said."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a judge saw of a step's packet. ``why`` says what decided, where the judge knows. ``state`` None: no word
    of conntrack was to be had. ``leaves`` is the packet where it ended, ``decided`` the place of the rule that decided.
    """

    verdict: str
    state: CtState | None
    leaves: Packet | None
    why: str = ""
    decided: Span | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """``seen`` None: a wait, or a step that was not come to. ``wrong`` says how it departs from what was expected."""

    step: CaseStep
    seen: Seen | None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """``judge`` is ``simulator`` or the name of a loader; ``seconds`` is the time that it took."""

    case: Case
    judge: str
    status: Status
    steps: tuple[StepResult, ...] = ()
    reason: str = ""
    seconds: float = 0.0


def judged(case: Case, judge: str, seen: list[Seen | None], seconds: float) -> CaseResult:
    """The result of a case of which all steps were tried."""
    steps = tuple(StepResult(step, one, _wrong(step, one)) for step, one in zip(case.steps, seen, strict=True))
    status = Status.FAILED if any(one.wrong for one in steps) else Status.PASSED
    return CaseResult(case, judge, status, steps, "", seconds)


def _wrong(step: CaseStep, seen: Seen | None) -> tuple[str, ...]:
    wanted, found = step.expected, []
    if seen is None:
        if wanted.verdict or wanted.state or wanted.becomes:
            return ("there is nothing to answer: the packet before came to nobody",)
        return ()
    why = f" ({seen.why})" if seen.why else ""
    if wanted.verdict and seen.verdict != wanted.verdict:
        found.append(f"expected {wanted.verdict}, got {seen.verdict}{why}")
    if wanted.state and seen.state is not wanted.state:
        state = seen.state.name.lower() if seen.state and seen.state.name else "none"
        found.append(f"expected state {_name(wanted.state)}, got {state}")
    if wanted.becomes and not (seen.leaves and wanted.becomes.fit(seen.leaves)):
        became = ends(seen.leaves) if seen.leaves else "nothing"
        found.append(f"expected it to become {_wanted(wanted.becomes, seen.leaves)}, and it became {became}")
    return tuple(found)


def _name(state: CtState) -> str:
    return state.name.lower() if state.name else ""


def ends(packet: Packet) -> str:
    """``SOURCE:PORT -> DESTINATION:PORT``, and the code point unless it is 0."""
    dscp = f" dscp {packet.dscp}" if packet.dscp else ""
    return f"{packet.end(source=True)} -> {packet.end(source=False)}{dscp}"


def _wanted(wanted: Ends, seen: Packet | None) -> str:
    family = seen.family if seen else Family.IP6 if max(wanted.saddr, wanted.daddr) >> 32 else Family.IP

    def end(address: int, port: int | None) -> str:
        text = format_address(family, address)
        if port is None:
            return text
        return f"[{text}]:{port}" if family is Family.IP6 else f"{text}:{port}"

    dscp = "" if wanted.dscp is None else f" dscp {wanted.dscp}"
    return f"{end(wanted.saddr, wanted.sport)} -> {end(wanted.daddr, wanted.dport)}{dscp}"
