"""``-m bpf``: a program of the kernel's packet filter (net/netfilter/xt_bpf.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options


def _read(options: Options, _context: Context) -> Meaning:
    options.need("bytecode", "object-pinned")
    return Meaning((options.opaque("nft runs no BPF programs"),))


MATCH = MatchExtension(
    "bpf", (Option("bytecode", text=True, quoted=True), Option("object-pinned", text=True, quoted=True)), read=_read
)
