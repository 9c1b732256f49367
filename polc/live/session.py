"""The SSH connection that polc is called over, if it is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from polc.ir.addresses import parse_address

_VARIABLE = "SSH_CONNECTION"
_FAR = 64
"""Ancestors that are asked at most."""


@dataclass(frozen=True, slots=True)
class SshSession:
    """Addresses as text, an IPv4 one never as part of an IPv6 one, without a zone."""

    client: str
    client_port: int
    server: str
    server_port: int


def ssh_session() -> SshSession | None:
    """By sshd's variable (sshd(8), SSH_CONNECTION), which sudo takes away: so that of the nearest ancestor that has it.

    None: there is none, or it cannot be seen.
    """
    own = os.environ.get(_VARIABLE)
    if own is not None:
        return read_connection(own)
    process = os.getppid()
    if not _sees_itself():
        return None
    for _ in range(_FAR):
        found = _variable_of(process)
        if found is not None:
            return read_connection(found)
        process = _parent_of(process)
        if process <= 1:
            break
    return None


def read_connection(text: str) -> SshSession | None:
    """``client port server port`` of the variable; None: it says something else, as over a socket of another kind."""
    match text.split():
        case [client, client_port, server, server_port] if client_port.isdigit() and server_port.isdigit():
            found = SshSession(_plain(client), int(client_port), _plain(server), int(server_port))
        case _:
            return None
    try:
        parse_address(found.client), parse_address(found.server)
    except ValueError:
        return None
    return found


def _plain(address: str) -> str:
    return re.sub(r"^::ffff:(?=[0-9.]+$)", "", address.partition("%")[0], flags=re.IGNORECASE)


def _sees_itself() -> bool:
    """Whether /proc numbers processes as we do: in a namespace of processes it may be another one's."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def _variable_of(process: int) -> str | None:
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    start = f"{_VARIABLE}=".encode()
    return next((one[len(start) :].decode("utf-8", "replace") for one in variables if one.startswith(start)), None)


def _parent_of(process: int) -> int:
    try:
        found = re.search(r"^PPid:\s*(\d+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
