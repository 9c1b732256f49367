"""The programs that this layer drives, and the Debian packages that hold them."""

from __future__ import annotations

import os
import shutil

from polc.diagnostics import Failure

_PACKAGES: dict[str, str] = {
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "iptables-legacy-restore": "iptables",
    "iptables-legacy-save": "iptables",
    "iptables-nft-restore": "iptables",
    "iptables-nft-save": "iptables",
    "ip6tables-legacy-restore": "iptables",
    "ip6tables-legacy-save": "iptables",
    "ip6tables-nft-restore": "iptables",
    "ip6tables-nft-save": "iptables",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}

SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
"""Where they are: an ordinary user's PATH often lacks the sbin directories."""


def search_path() -> str:
    """The caller's PATH, then the system's own directories."""
    return os.pathsep.join(part for part in (os.environ.get("PATH", ""), SYSTEM_PATH) if part)


def find(program: str) -> str:
    """The absolute path of a program of the table above.

    Raises:
        Failure: POL601, it is not installed.
    """
    found = shutil.which(program, path=search_path())
    if found is None:
        package = _PACKAGES[program]
        raise Failure.of("POL601", f"`{program}` is not installed", help=f"install the package `{package}`")
    return found
