"""POL53x: what stands in nft's JSON."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

_TABLE = '{"table": {"family": "inet", "name": "filter"}}'
_CHAIN = '{"chain": {"family": "inet", "table": "filter", "name": "guard"}}'


def _rule(statements: str) -> str:
    rule = f'{{"rule": {{"family": "inet", "table": "filter", "chain": "guard", "expr": [{statements}]}}}}'
    return f'{{"nftables": [\n{_TABLE},\n{_CHAIN},\n{rule}\n]}}\n'


def _match(field: str, value: str) -> str:
    payload = f'{{"payload": {{"protocol": "tcp", "field": "{field}"}}}}'
    return f'{{"match": {{"op": "==", "left": {payload}, "right": {value}}}}}'


_FIRST, _SECOND = _match("dport", "22"), _match("dport", "23")

NFT_IMPORT_CODES: tuple[Code, ...] = (
    Code(
        "POL530",
        "not a document of libnftables",
        what="the JSON is no object with the one key `nftables` and a list of objects in it",
        why="whatever else it holds, it is no ruleset",
        example='{"tables": []}\n',
        instead="what `nft -j list ruleset` prints, or what `nft -j -f` reads",
    ),
    Code(
        "POL531",
        "an object that libnftables would not take",
        what="an object of the list is none that libnftables-json(5) describes, or a command that polc does not follow",
        why="what it was meant to be could decide about packets",
        example=_rule('{"accept": 1}'),
        instead="what the manual page says of the key that the message names, or a listing of what the commands make",
    ),
    Code(
        "POL532",
        "something that is not there",
        what="a rule or a command names a table, chain, set, object or rule that the document does not have",
        why="a part of a ruleset means what the whole makes of it",
        example=_rule('{"jump": {"target": "elsewhere"}}'),
        instead="the whole ruleset, as `nft -j list ruleset` prints it",
    ),
    Code(
        "POL533",
        "what does nothing",
        what="a rule asks for what excludes itself, something stands behind its verdict, or a whole table is dormant; "
        "it is left out",
        why="it does nothing, and somebody may think that it does",
        example=_rule(f'{_FIRST}, {_SECOND}, {{"accept": null}}'),
        instead="a rule for each, or a set of both",
    ),
    Code(
        "POL534",
        "something that the listing does not say",
        what="nft lists extensions of xtables without their options",
        why="a ruleset cannot be told from what is left of it",
        example=_rule('{"xt": null}, {"accept": null}'),
        instead="what `iptables-save` prints, for tables that iptables made",
    ),
    Code(
        "POL535",
        "something near to what is there",
        what="an interface is matched by its name and no longer by its number, a map stands in the rules that use it, "
        "hours are those of UTC, or times and comments of elements are not kept",
        why="it is the same now, and can be another thing after a change by hand",
        example=_rule('{"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "eth0"}}, {"accept": null}'),
        instead="the words that nft has for it by name, where that is what was meant",
    ),
    Code(
        "POL536",
        "a text that nft does not take",
        what="a file in nft's own language was loaded in a scratch namespace, and nft refused it",
        why="only nft knows what its language means, and what it refuses means nothing",
        instead="what nft's words in the message ask for; on the host, `nft -c -f` says the same",
    ),
)
