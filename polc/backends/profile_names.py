"""Profiles by name or by versions, as ``--for`` takes them."""

from __future__ import annotations

import re

from polc.backends.features import Version
from polc.backends.profile import HOST, OLDEST, PROFILES, Profile, dotted
from polc.diagnostics.suggest import did_you_mean

_PARTS = ("nft", "iptables", "kernel")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}", re.ASCII)


def parse_profile(text: str) -> Profile:
    """A name of ``PROFILES``, or versions such as ``nft=1.0.6,kernel=5.10``, in which a part that is not named is
    the oldest one supported. ``host`` is none of these: it is measured.

    Raises:
        ValueError: it is neither, or older than what is supported; the message is fit for a user.
    """
    if text in PROFILES:
        return PROFILES[text]
    if "=" not in text:
        near = did_you_mean(text, (*PROFILES, HOST))
        known = f"the profiles are {', '.join(PROFILES)} and {HOST}, or versions: `nft=1.0.6,kernel=5.10`"
        raise ValueError(f"there is no profile `{text}`{f', {near}' if near else ''} ({known})")
    return _by_versions(text)


def _by_versions(text: str) -> Profile:
    versions: dict[str, Version] = {}
    for one in text.split(","):
        part, _, number = (word.strip() for word in one.partition("="))
        if part not in _PARTS:
            near = did_you_mean(part, _PARTS)
            raise ValueError(f"`{part}` has no version here{f', {near}' if near else f': only {_listed()} have one'}")
        if part in versions:
            raise ValueError(f"`{part}` is there twice")
        if not _VERSION.fullmatch(number):
            raise ValueError(f"`{number}` is not a version of {part}, such as {dotted(_oldest(part))}")
        versions[part] = tuple(map(int, number.split(".")))
        if _padded(versions[part]) < _padded(_oldest(part)):
            raise ValueError(f"{part} {number} is too old: polc writes for {part} {dotted(_oldest(part))} or newer")
    nft, iptables, kernel = (versions.get(part, _oldest(part)) for part in _PARTS)
    name = ",".join(f"{part}={dotted(version)}" for part, version in versions.items())
    return Profile(name, nft, iptables, kernel)


def _listed() -> str:
    return f"{', '.join(_PARTS[:-1])} and {_PARTS[-1]}"


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0, 0)[:4]


def _oldest(part: str) -> Version:
    return {"nft": OLDEST.nft, "iptables": OLDEST.iptables, "kernel": OLDEST.kernel}[part]
