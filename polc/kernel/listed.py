"""What listings of some nft lose, taken out of what they are compared with (``polc.backends.nft.losses``)."""

from __future__ import annotations

import json
import re

from polc.importers.nft_json.json_value import Json, Object, items

_CHAIN = re.compile(r'\tchain (?P<chain>\S+) \{\n\t\ttype \w+ hook \w+ devices? (?:= )?(?P<devices>\{[^}]*\}|"[^"]*")')
_TABLE = re.compile(r"^table (?P<family>\w+) (?P<name>\S+) \{", re.MULTILINE)

_SHORTEST = 64
"""The shortest IPv6 prefix in an element of several parts, as nft 0.9.8 lists it."""


def as_listed(emitted: str, listed: str) -> tuple[str, str]:
    """Commands, and a listing of what they load, both of libnftables' JSON, so that what is lost is no difference.

    What is no JSON is given back as it is.
    """
    try:
        wanted: Json = json.loads(emitted)
        seen: Json = json.loads(listed)
    except ValueError:
        return emitted, listed
    devices = {str(chain["name"]): chain["dev"] for chain in objects(wanted, "chain") if "dev" in chain}
    for chain in objects(seen, "chain"):
        name = str(chain.get("name"))
        if "dev" not in chain and name in devices:
            chain["dev"] = devices[name]
    for one, other in zip(objects(wanted, "rule"), objects(seen, "rule"), strict=False):
        _with_family(one, other)
    if any(str(one.get("version")).startswith("0.") for one in objects(seen, "metainfo")):
        lengthen(wanted)
    return json.dumps(wanted), json.dumps(seen)


def _with_family(wanted: Object, seen: Object) -> None:
    """Put back a test of the family that nft leaves out, since a header of it is read behind: what is asked in between,
    and counts, counts packets of that family alone.
    """
    asked, listed = items(wanted.get("expr")), items(seen.get("expr"))
    if len(asked) != len(listed) + 1:
        return
    for family, protocol in (("ipv4", '"protocol": "ip"'), ("ipv6", '"protocol": "ip6"')):
        test: Json = {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": family}}
        if test in asked and test not in listed and protocol in json.dumps(listed):
            at = asked.index(test)
            seen["expr"] = [*listed[:at], test, *listed[at:]]


def objects(document: Json, kind: str) -> list[Object]:
    """Those of a kind, listed or added."""
    found = []
    for item in items(document.get("nftables")) if isinstance(document, dict) else []:
        inside = item.get("add", item) if isinstance(item, dict) else None
        one = inside.get(kind) if isinstance(inside, dict) else None
        if isinstance(one, dict):
            found.append(one)
    return found


def lengthen(document: Json) -> None:
    """Shorter IPv6 prefixes in elements of several parts, as nft 0.9.8 lists them."""
    todo = [document]
    while todo:
        one = todo.pop()
        inside = [*one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
        todo += inside
        for part in items(one.get("concat")) if isinstance(one, dict) else []:
            prefix = part.get("prefix") if isinstance(part, dict) else None
            if isinstance(prefix, dict) and ":" in str(prefix.get("addr")):
                length = prefix.get("len")
                prefix["len"] = max(length, _SHORTEST) if isinstance(length, int) else length


def complete(document: Json, text: str) -> None:
    """Put in what JSON of nft before 1.1 leaves out and text does not: devices of chains, and that a table sleeps."""
    devices: dict[tuple[str, str, str], list[Json]] = {}
    dormant: set[tuple[str, str]] = set()
    tables = list(_TABLE.finditer(text))
    for table, following in zip(tables, [*tables[1:], None], strict=True):
        family, name = table["family"], table["name"]
        inside = text[table.end() : following.start() if following else len(text)]
        if re.match(r"\n\t(?:comment .*\n\t)?flags [^\n]*\bdormant\b", inside):
            dormant.add((family, name))
        for chain in _CHAIN.finditer(inside):
            listed = chain["devices"].strip("{}").split(",")
            devices[family, name, chain["chain"]] = [one.strip().strip('"') for one in listed]
    for one in objects(document, "chain"):
        names = devices.get((str(one.get("family")), str(one.get("table")), str(one.get("name"))))
        if names and "hook" in one and "dev" not in one:
            one["dev"] = names
    for one in objects(document, "table"):
        if (str(one.get("family")), str(one.get("name"))) in dormant:
            one["flags"] = "dormant"
