"""``polc VERB``: finds the verb's module and runs it; only that one is imported, so that start-up is quick."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from importlib import import_module
from typing import NoReturn, Protocol, cast

from polc import __version__

VERBS: dict[str, tuple[str, str]] = {
    "init": ("polc.cli.init", "begin a policy from a commented template"),
    "compile": ("polc.cli.compile", "write a policy for a target: nftables or iptables"),
    "check": ("polc.cli.check", "errors and lints: what is well-formed and still not what was meant"),
    "explain": ("polc.cli.explain", "what a diagnostic code means, and how conntrack, limits and hooks work"),
    "simulate": ("polc.cli.simulate", "what becomes of packets, and why: the deciding rule, conntrack, NAT, a trace"),
    "diff": ("polc.cli.diff", "exactly which packets two firewalls treat differently, with an example of each"),
    "fmt": ("polc.cli.fmt", "write policies in canonical form, meaning and comments unchanged"),
    "test": ("polc.cli.test", "try the tests of policies: in the simulator, and with real packets"),
    "prove": ("polc.cli.prove", "show that something holds for all packets, or a packet for which it does not"),
    "query": ("polc.cli.query", "which packets of a class are accepted, and by which rules; zones and services"),
    "translate": ("polc.cli.translate", "write rulesets of iptables and nft for the other tool, or as a policy"),
    "verify": (
        "polc.cli.verify",
        "load a firewall in a scratch network namespace, read it back, send packets about every rule",
    ),
    "fuzz": ("polc.cli.fuzz", "random firewalls before all judges of polc: outputs, proofs, simulator, kernel"),
    "plan": ("polc.cli.plan", "what applying a policy would change on this host, lose, and cut off"),
    "apply": ("polc.cli.apply", "run a policy on this host, by the smallest change, with a way back"),
    "confirm": ("polc.cli.confirm", "keep what was applied with --confirm"),
    "rollback": ("polc.cli.rollback", "go back to what ran before, or to an entry of the history"),
    "status": ("polc.cli.status", "whether the kernel still holds the policy, and what its rules have counted"),
    "why": ("polc.cli.why", "the line of the policy behind a line of the kernel log, a trace, or a packet"),
    "trace": ("polc.cli.trace", "real packets on their way through the running rules, by lines of the policy"),
    "history": ("polc.cli.history", "what was applied on this host, when, and by whom"),
    "persist": ("polc.cli.persist", "have boot load what is confirmed"),
}
"""Name -> its module, and what it does in a line."""

EXIT_STATUS = """exit status:
  0  fine
  1  the answer is no: a difference, a finding, a failed test
  2  bad input or usage
  3  this machine cannot do it: a missing tool, privilege or kernel feature"""


class Verb(Protocol):
    """What a verb's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\ntry `{self.prog} --help`\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    if argv is None:
        # A process of our own, which is short and keeps what it makes until its end: looking for cycles is a tenth
        # of its time and finds none.
        gc.disable()
    words = sys.argv[1:] if argv is None else argv
    _open_standard_files()
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (`| head`): nothing more can be said there, nor at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Those of named files have become diagnostics where they were opened.
        if error.filename is not None:
            return _explain(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _unwritten(error)
    except Exception as error:
        return _explain(error)
    return status


def _open_standard_files() -> None:
    """Stand-ins for those that whoever called has closed: nothing to read, and an error for whoever writes."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull)  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _unwritten(error: OSError) -> int:
    from polc.diagnostics import Diagnostic
    from polc.diagnostics.text import render

    reason = (error.strerror or "it is closed").lower()
    sys.stderr.write(render((Diagnostic("POL051", f"cannot write to standard output: {reason}"),)))
    return 2


def _explain(error: Exception) -> int:
    """Say what went wrong, and return the exit status that belongs to it."""
    # Imported here, so that a command that goes well does not wait for it.
    from polc.diagnostics import Diagnostic, Failure
    from polc.diagnostics.text import render

    if isinstance(error, Failure):
        sys.stderr.write(render(error.diagnostics))
        return error.exit_status
    if os.environ.get("POLC_DEBUG"):
        raise error
    bug = Diagnostic(
        "POL901",
        f"this is a bug in polc: {type(error).__name__}: {error}",
        help="please report it, with the output of the same command under `POLC_DEBUG=1`",
    )
    sys.stderr.write(render((bug,)))
    return 2


def _dispatch(words: list[str]) -> int:
    if not words or words[0] not in VERBS:
        _refuse(words)
    module_name, summary = VERBS[words[0]]
    verb = cast(Verb, import_module(module_name))
    parser = _Parser(
        prog=f"polc {words[0]}",
        description=summary,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(words[1:]))


def _refuse(words: list[str]) -> NoReturn:
    """Answer ``--help`` and ``--version``; anything else that is no verb is wrong usage."""
    parser = _Parser(
        prog="polc",
        description="Policy compiler for Linux firewalls.",
        epilog="verbs:\n" + "".join(f"  {name:<9}{text}\n" for name, (_, text) in VERBS.items()) + "\n" + EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="polc [--version] [--help] VERB ...",
    )
    parser.add_argument("--version", action="version", version=f"polc {__version__}")
    parser.add_argument("verb", metavar="VERB", help="one of those below; `polc VERB --help` says more")
    arguments = parser.parse_args(words[:1])
    parser.error(f"unknown verb `{arguments.verb}`{_hint(arguments.verb)}")


def _hint(verb: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(verb, VERBS, n=1)
    return f", did you mean `{near[0]}`?" if near else f": the verbs are {', '.join(VERBS)}"
