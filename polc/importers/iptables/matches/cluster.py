"""``-m cluster``: which node of a cluster has to answer (net/netfilter/xt_cluster.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import node_of_cluster
from polc.importers.iptables.problem import APART, Problem, Word
from polc.importers.iptables.saved import decimal, with_values
from polc.importers.iptables.values import integer, number
from polc.ir.matches import Nearest

_MOST_NODES = 32


def _read(options: Options, context: Context) -> Meaning:
    total = number(options.need("cluster-total-nodes").word, 1, _MOST_NODES, "number of nodes")
    seed = number(options.need("cluster-hash-seed").word, 0, 0xFFFFFFFF)
    local = options.need("cluster-local-node", "cluster-local-nodemask")
    if local.option.name == "cluster-local-node":
        mask = 1 << number(local.word, 1, total, "node of this cluster") - 1
    else:
        mask = number(local.word, 0, 0xFFFFFFFF, "mask")
    if mask >> total:
        raise Problem(APART, f"`{local.word.text}` names more nodes than the {total} of the cluster", local.word.at)
    reason = "nft hashes the source of a flow itself, where it belongs to another one too"
    nodes = tuple(bit for bit in range(total) if mask >> bit & 1)
    near = None
    if nodes:
        nft = node_of_cluster(context.family, total, seed, nodes, negated=local.negated)
        near = Nearest((options.opaque(reason, nft=nft),), "cluster-related", _DIFFERENCE)
    return Meaning((options.opaque(reason, nearest=near),))


def _mask(word: Word) -> str:
    return f"{integer(word.text):#010x}"


def _mask_of_node(word: Word) -> str:
    return f"{1 << number(word, 1, _MOST_NODES) - 1:#010x}"


_DIFFERENCE = (
    "a flow that belongs to another one (the data of FTP) goes to the node of its own source, and not to that of the "
    "other flow's; and packets that are matched count as sent to this host, where xt_cluster says so of those of every "
    "node that came to a multicast address of Ethernet"
)


MATCH = MatchExtension(
    "cluster",
    (
        Option("cluster-local-node", negatable=True, saved=with_values(_mask_of_node, "cluster-local-nodemask")),
        Option("cluster-local-nodemask", negatable=True, saved=with_values(_mask)),
        Option("cluster-total-nodes", saved=decimal),
        Option("cluster-hash-seed", saved=with_values(_mask)),
    ),
    read=_read,
)
