"""From a policy file to a target's files: read, run the passes, emit, and hold the result to its fidelity."""

from __future__ import annotations

from polc.backends.model import Deviation, Fidelity, IpsetUse, Layout, Options, Output
from polc.backends.profile import OLDEST, Profile
from polc.backends.registry import BACKENDS
from polc.diagnostics import Collector, Diagnostic, Failure, Label, Severity
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy import read_policy

ANY_APPROXIMATION = "all"
"""Among the names allowed, it stands for every approximation."""


def compile_policy(
    path: str,
    target: str,
    format: str | None = None,
    *,
    allow: frozenset[str] = frozenset(),
    collector: Collector | None = None,
    profile: Profile = OLDEST,
    layout: Layout = Layout.WHOLE,
    ipset: IpsetUse = IpsetUse.AUTO,
) -> Output:
    """Compile the policy file ``path`` (``-``: standard input) for one target; notes and warnings go to the collector.

    Raises:
        Failure: the policy has errors, or the target lacks what a rule needs.
    """
    ruleset = read(path, collector)
    return emit(ruleset, target, format, allow=allow, profile=profile, layout=layout, ipset=ipset)


def read(path: str, collector: Collector | None = None) -> Ruleset:
    """The ruleset that a policy means, as backends want it; notes and warnings go to the collector.

    Raises:
        Failure: with all errors of the policy and its includes.
    """
    return pipeline.run(read_policy(path, Collector() if collector is None else collector))


def emit(
    ruleset: Ruleset,
    target: str,
    format: str | None = None,
    *,
    allow: frozenset[str] = frozenset(),
    profile: Profile = OLDEST,
    layout: Layout = Layout.WHOLE,
    ipset: IpsetUse = IpsetUse.AUTO,
) -> Output:
    """Write a ruleset for a target (a key of ``BACKENDS``) in one of its formats (None: its first).

    ``allow`` names the approximations that somebody has agreed to; ``all`` agrees to every one. ``profile`` is the
    host that the files are for; ``layout`` and ``ipset`` say how iptables is written.

    Raises:
        Failure: a rule is refused on this target, or approximate and not agreed to.
    """
    output = produce(ruleset, target, Options(format or BACKENDS[target].formats[0], profile, layout, ipset))
    hold(output, target, allow)
    return output


def produce(ruleset: Ruleset, target: str, options: Options) -> Output:
    """As ``emit``, whatever comes of it: rules that are refused are in no file, and approximate ones are."""
    return BACKENDS[target].emit(ruleset, options)


def hold(output: Output, target: str, allow: frozenset[str]) -> None:
    """Raises:
    Failure: a rule is refused on this target, or approximate and not agreed to.
    """
    refused = [
        one
        for one in output.deviations
        if one.fidelity is Fidelity.REFUSED
        or (one.fidelity is Fidelity.APPROXIMATE and not (allow & {one.name, ANY_APPROXIMATION}))
    ]
    if refused:
        raise Failure(describe(one, target) for one in refused)


def describe(deviation: Deviation, target: str, *, agreed: bool = False) -> Diagnostic:
    """The deviation as a diagnostic; one that was agreed to is a note."""
    origin = deviation.origin
    labels = (Label(origin.span),) if origin.span else ()
    if deviation.fidelity is Fidelity.REFUSED:
        return Diagnostic("POL402", f"{target} cannot say this: {deviation.message}", labels, deviation.help)
    if deviation.fidelity is Fidelity.EXACT:
        return Diagnostic("POL403", f"on {target} {deviation.message}", labels, deviation.help, Severity.NOTE)
    opt_in = f"`--allow-approximate {deviation.name}` where that difference does not matter"
    return Diagnostic(
        "POL401",
        f"approximate on {target} (`{deviation.name}`): {deviation.message}",
        labels,
        "" if agreed else f"{deviation.help}, or pass {opt_in}" if deviation.help else f"pass {opt_in}",
        Severity.NOTE if agreed else Severity.ERROR,
    )
