"""libnftables through its own Python bindings, typed.

The module ``nftables`` is Debian's python3-nftables or the PyPI copy of it (pip-nftables); both drive
libnftables.so.1 (libnftables(3), libnftables-json(5)). Commands act on the network namespace that the
process was in when the context was made.
"""

from __future__ import annotations

import ctypes
import json
from types import TracebackType
from typing import Protocol

from polc.diagnostics import Failure

LIBRARY = "libnftables.so.1"


class _Bindings(Protocol):
    """What we use of ``nftables.Nftables``."""

    def set_json_output(self, value: bool) -> int: ...
    def cmd(self, cmdline: bytes) -> tuple[int, bytes, bytes]: ...


class Nftables:
    """A libnftables context, to be used in a ``with`` statement.

    Its output is that of ``nft -j`` without further options: in JSON ports, protocols and priorities are
    numbers anyway.

    Raises:
        Failure: POL601, the library or its bindings are not installed.
    """

    def __init__(self) -> None:
        check_available()
        import nftables

        bindings: _Bindings = nftables.Nftables(sofile=LIBRARY)
        bindings.set_json_output(True)
        self._bindings: _Bindings | None = bindings

    def __enter__(self) -> Nftables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The context, with its netlink socket and buffers, is freed with the last reference to the object.
        self._bindings = None

    def run_json(self, text: str) -> str:
        """Run JSON commands as one transaction: the kernel takes all or none. Gives what was printed, JSON or empty.

        Raises:
            Failure: POL603, with libnftables' own words.
            ValueError: ``text`` is no JSON object. libnftables would try it as nft's command language.
        """
        if not text.lstrip().startswith("{") or "\0" in text:
            raise ValueError("not a JSON object")
        if self._bindings is None:
            raise ValueError("the context is closed")
        status, output, error = self._bindings.cmd(text.encode())
        if status != 0:
            words = _words(error) or f"status {status}"
            raise Failure.of("POL603", f"libnftables refused the ruleset: {words}")
        return output.decode("utf-8", "replace")

    def list_table(self, family: str, name: str) -> str:
        """One table as JSON, like ``nft -j list table``. No other table is asked for.

        Raises:
            Failure: POL603, there is no such table or no permission to see it.
        """
        return self.run_json(json.dumps({"nftables": [{"list": {"table": {"family": family, "name": name}}}]}))


def check_available() -> None:
    """Raises:
    Failure: POL601, the library or its bindings are not installed.
    """
    try:
        # Before the bindings: their destructor prints a traceback when the library is not there.
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise Failure.of(
            "POL601", f"cannot load {LIBRARY}: {error}", help="install the package `libnftables1`"
        ) from None
    try:
        import nftables  # noqa: F401
    except ImportError:
        raise Failure.of(
            "POL601",
            "this Python has no module `nftables`, the bindings of libnftables",
            help="install the package `python3-nftables`, or polc with its extra: `pip install 'polc[nftables]'`",
        ) from None


def _words(error: bytes) -> str:
    """libnftables' message on one line. For JSON input its line and column are always zero and say nothing."""
    lines = error.decode("utf-8", "replace").splitlines()
    useful = (line.removeprefix("internal:0:0-0: ").removeprefix("Error: ").strip() for line in lines)
    # Echoes of the input and rows of carets follow a message; the messages alone are sentences.
    return "; ".join(dict.fromkeys(line for line in useful if line.strip("^ ~")))[:2000]
