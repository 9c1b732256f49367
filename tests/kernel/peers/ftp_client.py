"""An FTP client. Request: ``["list", ADDRESS, PORT, SECONDS]``, in active mode: the server opens the data connection.

The answer is the names listed; or the step that failed: ``control: ERROR`` or ``data: ERROR``.
"""

from __future__ import annotations

import ftplib
import json
import sys


def listing(address: str, port: int, seconds: float) -> str:
    ftp = ftplib.FTP(timeout=seconds)
    try:
        ftp.connect(address, port)
        ftp.login()
        ftp.set_pasv(False)
        # An answer after login: the control connection works in both directions.
        ftp.voidcmd("NOOP")
    except (OSError, EOFError, ftplib.Error) as error:
        return f"control: {type(error).__name__}"
    try:
        return " ".join(sorted(ftp.nlst()))
    except (OSError, EOFError, ftplib.Error) as error:
        return f"data: {type(error).__name__}"
    finally:
        ftp.close()


print('"ready"', flush=True)
for line in sys.stdin:
    _, address, port, seconds = json.loads(line)
    print(json.dumps(listing(address, port, seconds)), flush=True)
