"""Who is at it, for the history."""

from __future__ import annotations

import os
import pwd

from polc.live.session import ssh_session


def who() -> str:
    """``alice as root from 198.51.100.7``: the one who logged in, whom they are now, and where they sit."""
    now = _name(os.geteuid())
    first = os.environ.get("SUDO_USER") or _logged_in() or now
    session = ssh_session()
    return " ".join(
        (first, *((f"as {now}",) if first != now else ()), *((f"from {session.client}",) if session else ()))
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _logged_in() -> str:
    """The user of the login session, which su(1) leaves as it is (audit, /proc/PID/loginuid); empty: none is known."""
    try:
        with open("/proc/self/loginuid") as file:
            uid = int(file.read())
    except (OSError, ValueError):
        return ""
    return "" if uid == 0xFFFFFFFF else _name(uid)
