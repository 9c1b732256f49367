"""All targets, by the name that ``--target`` takes."""

from __future__ import annotations

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Backend
from polc.backends.nft.backend import NftBackend

BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (NftBackend(), IptablesBackend())}
