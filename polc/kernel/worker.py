"""libnftables inside a namespace: ``python -m polc.kernel.worker``, a request and an answer a line, in JSON.

A request is ``["run_json", TEXT]`` or ``["list_table", FAMILY, NAME]``; the answer is ``{"output": TEXT}`` or
``{"code": CODE, "message": TEXT, "help": TEXT}``. It ends with its standard input. A process of its own,
since a namespace belongs to a process and libnftables may end the process it is in.
"""

from __future__ import annotations

import json
import os
import sys

from polc.diagnostics import Failure
from polc.kernel.libnftables import Nftables


def main() -> int:
    # Listings show the time of day by this process's zone; rules are in UTC.
    os.environ["TZ"] = "UTC"
    # Whatever a library prints goes to standard error: standard output is the protocol's alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = os.fdopen(0, encoding="utf-8", closefd=False)
    for line in requests:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()
    return 0


def _answer(request: list[str]) -> dict[str, str]:
    try:
        # A context a request: its cache of the kernel's state is never older than the request.
        with Nftables() as nft:
            match request:
                case ["run_json", text]:
                    output = nft.run_json(text)
                case ["list_table", family, name]:
                    output = nft.list_table(family, name)
                case _:
                    raise ValueError(f"unknown request {request[:1]}")
    except Failure as failure:
        first = failure.diagnostics[0]
        return {"code": first.code, "message": first.message, "help": first.help}
    return {"output": output}


if __name__ == "__main__":
    sys.exit(main())
