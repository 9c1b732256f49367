"""Makes TCP connections. Requests:

``["connect", ADDRESS, PORT, SECONDS]``: one attempt, closed again: ``connected``, ``timeout`` or the error's name.
    Below a second it is one SYN, since the first retransmission comes after one (RFC 6298).
``["open", ADDRESS, PORT]``: opens a session: ``connected`` or the error.
``["exchange", COUNT, SECONDS]``: so many one-byte round trips on the session, at least 2 packets each:
    ``done``, or ``cut after N``.
"""

from __future__ import annotations

import json
import socket
import sys


def attempt(address: str, port: int, seconds: float) -> tuple[socket.socket | None, str]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(seconds)
    try:
        client.connect((address, port))
    except TimeoutError:
        client.close()
        return None, "timeout"
    except OSError as error:
        client.close()
        return None, type(error).__name__
    return client, "connected"


def exchange(session: socket.socket, count: int, seconds: float) -> str:
    session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session.settimeout(seconds)
    for number in range(count):
        try:
            session.sendall(b"x")
            if session.recv(1) != b"x":
                return f"cut after {number}"
        except OSError:
            return f"cut after {number}"
    return "done"


def main() -> None:
    session: socket.socket | None = None
    print('"ready"', flush=True)
    for line in sys.stdin:
        match json.loads(line):
            case ["connect", str(address), int(port), seconds]:
                client, answer = attempt(address, port, seconds)
                if client is not None:
                    client.close()
            case ["open", str(address), int(port)]:
                session, answer = attempt(address, port, 2)
            case ["exchange", int(count), seconds] if session is not None:
                answer = exchange(session, count, seconds)
            case request:
                raise ValueError(request)
        print(json.dumps(answer), flush=True)


main()
