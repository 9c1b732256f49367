"""POL53x: what stands in nft's JSON."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

NFT_IMPORT_CODES: tuple[Code, ...] = (
    Code(
        "POL530",
        "not a document of libnftables",
        what="the JSON is no object with the one key `nftables` and a list of objects in it",
        why="whatever else it holds, it is no ruleset",
        example='{"tables": []}\n',
        instead="what `nft -j list ruleset` prints, or what `nft -j -f` reads",
    ),
)
