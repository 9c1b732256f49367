"""Asks a ``who_server.py`` who it is. Request: ``["ask", ADDRESS, PORT, SECONDS]``.

The answer is ``NAME ADDRESS PORT``: which server it was and what it sees this end as; or the name of the error.
"""

from __future__ import annotations

import json
import socket
import sys


def ask(address: str, port: int, seconds: float) -> str:
    try:
        with socket.create_connection((address, port), seconds) as session:
            session.settimeout(seconds)
            found = b""
            while data := session.recv(100):
                found += data
            return found.decode()
    except OSError as error:
        return type(error).__name__


print('"ready"', flush=True)
for line in sys.stdin:
    _, address, port, seconds = json.loads(line)
    print(json.dumps(ask(address, port, seconds)), flush=True)
