"""Settings by the names of their sysctls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from polc.simulate.settings import Settings

_FLAGS = ("tcp_loose", "tcp_be_liberal", "tcp_ignore_invalid_rst", "checksum")
_NUMBERS = (
    "tcp_max_retrans", "udp_timeout", "udp_timeout_stream", "icmp_timeout", "icmpv6_timeout", "gre_timeout",
    "gre_timeout_stream", "generic_timeout",
)  # fmt: skip
_MOST = (1 << 31) - 1


def settings_of(given: Iterable[str]) -> Settings:
    """The settings that ``NAME=VALUE`` change, as in ``net.netfilter.nf_conntrack_tcp_loose=0``.

    Raises:
        ValueError: it is no sysctl that matters here.
    """
    settings = Settings()
    for one in given:
        name, _, text = one.partition("=")
        if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
            raise ValueError(f"--sysctl {one}: write NAME=NUMBER")
        short = name.replace("/", ".").rpartition(".")[2].removeprefix("nf_conntrack_")
        change = _change(short)
        if change is None:
            raise ValueError(f"--sysctl {one}: conntrack has no such setting, or it changes nothing here")
        settings = change(settings, int(text))
    return settings


def _change(name: str) -> Callable[[Settings, int], Settings] | None:
    if name in _FLAGS:
        return lambda settings, value: _with(settings, name, bool(value))
    if name in _NUMBERS:
        return lambda settings, value: _with(settings, name, value)
    if name == "max":
        return lambda settings, value: replace(settings, conntrack_max=value)
    for kind in ("tcp", "sctp"):
        state = name.removeprefix(f"{kind}_timeout_")
        if state != name and state in getattr(Settings(), f"{kind}_timeouts"):
            return lambda settings, value: _with_timeout(settings, kind, state, value)
    return None


def _with(settings: Settings, name: str, value: int) -> Settings:
    return replace(settings, **{name: value})  # type: ignore[arg-type]


def _with_timeout(settings: Settings, kind: str, state: str, value: int) -> Settings:
    if kind == "tcp":
        return replace(settings, tcp_timeouts={**settings.tcp_timeouts, state: value})
    return replace(settings, sctp_timeouts={**settings.sctp_timeouts, state: value})
