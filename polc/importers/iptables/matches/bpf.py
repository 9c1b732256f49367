"""``-m bpf``: a program of the kernel's packet filter (net/netfilter/xt_bpf.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import with_values

_PROGRAM = re.compile(r"[0-9]{1,5}(?:,[0-9]{1,5} [0-9]{1,3} [0-9]{1,3} [0-9]{1,10}){1,64},?")


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("bytecode", "object-pinned")
    if given.option.name == "bytecode" and not _PROGRAM.fullmatch(given.word.text):
        raise wrong(given.word, "this is no program such as `1,6 0 0 1`")
    return Meaning((options.opaque("nft runs no BPF programs"),))


def _saved(word: Word) -> str:
    return ",".join(" ".join(str(int(one)) for one in line.split(" ")) for line in word.text.rstrip(",").split(","))


MATCH = MatchExtension(
    "bpf",
    (
        Option("bytecode", text=True, quoted=True, saved=with_values(_saved)),
        Option("object-pinned", text=True, quoted=True),
    ),
    read=_read,
)
