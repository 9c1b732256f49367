"""``-m cluster``: which node of a cluster has to answer (net/netfilter/xt_cluster.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.values import number

_MOST_NODES = 32


def _read(options: Options, _context: Context) -> Meaning:
    total = number(options.need("cluster-total-nodes").word, 1, _MOST_NODES, "number of nodes")
    seed = options.need("cluster-hash-seed")
    start = number(seed.word, 0, 0xFFFFFFFF)
    local = options.need("cluster-local-node", "cluster-local-nodemask")
    if local.option.name == "cluster-local-node":
        nodes = 1 << number(local.word, 1, total, "node of this cluster") - 1
    elif (nodes := number(local.word, 0, 0xFFFFFFFF, "mask")) >> total:
        raise Problem(APART, f"`{local.word.text}` names more nodes than the {total} of the cluster", local.word.at)
    words = (
        f"-m cluster {'! ' if local.negated else ''}--cluster-local-nodemask {nodes:#010x} "
        f"--cluster-total-nodes {total} --cluster-hash-seed {start:#010x}"
    )
    return Meaning((options.opaque("nft has no hash of a flow's source alone that is the same on every node", words),))


MATCH = MatchExtension(
    "cluster",
    (
        Option("cluster-total-nodes"),
        Option("cluster-local-node", negatable=True),
        Option("cluster-local-nodemask", negatable=True),
        Option("cluster-hash-seed"),
    ),
    read=_read,
)
