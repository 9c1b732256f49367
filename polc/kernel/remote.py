"""libnftables inside a namespace, as its caller outside sees it."""

from __future__ import annotations

import json
import os
import sys
from types import TracebackType

from polc.diagnostics import Failure
from polc.kernel.netns import Namespace, stop


class RemoteNftables:
    """``Nftables`` of ``polc.kernel.libnftables``, executed in a namespace; for a ``with`` statement."""

    def __init__(self, namespace: Namespace) -> None:
        # A file and not a pipe: nobody reads it unless the worker dies, and a full pipe would stall it.
        self._errors = os.memfd_create("polc-worker-stderr")
        self._worker = namespace.start([sys.executable, "-m", "polc.kernel.worker"], stderr=self._errors)

    def __enter__(self) -> RemoteNftables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop(self._worker)
        os.close(self._errors)

    def run_json(self, text: str) -> str:
        """As ``Nftables.run_json``.

        Raises:
            Failure: POL601 or POL603, as there; also POL603 when libnftables ended its process.
        """
        return self._ask("run_json", text)

    def list_table(self, family: str, name: str) -> str:
        """As ``Nftables.list_table``."""
        return self._ask("list_table", family, name)

    def _ask(self, *request: str) -> str:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        try:
            self._worker.stdin.write(json.dumps(request) + "\n")
            self._worker.stdin.flush()
            line = self._worker.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            words = os.pread(self._errors, 65536, 0).decode("utf-8", "replace").strip()
            raise Failure.of("POL603", f"libnftables ended without an answer: {words or 'no message'}")
        answer: dict[str, str] = json.loads(line)
        if "code" in answer:
            raise Failure.of(answer["code"], answer["message"], help=answer["help"])
        return answer["output"]
