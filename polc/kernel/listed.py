"""What listings of some nft lose, taken out of what they are compared with (``polc.backends.nft.losses``)."""

from __future__ import annotations

import json
import re

from polc.importers.nft_json.json_value import Json, Object, items
from polc.ir.protocols import PROTOCOL_NAMES

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
        _with_implied(one, other)
        _unused(other)
    if any(str(one.get("version")).startswith("0.") for one in objects(seen, "metainfo")):
        lengthen(wanted)
    return json.dumps(wanted), json.dumps(seen)


def _with_implied(wanted: Object, seen: Object) -> None:
    """Put back tests of the family and of the protocol that nft leaves out, since a header of it is read behind
    (payload.c, payload_dependency_kill): what is asked in between, and counts, counts packets of that alone.
    """
    asked, listed = items(wanted.get("expr")), items(seen.get("expr"))
    words = json.dumps(listed)
    gone = [one for one in asked if one not in listed and f'"protocol": "{_implied_by(one)}"' in words]
    if not gone or len(asked) != len(listed) + len(gone):
        return
    for one in gone:
        listed.insert(asked.index(one), one)
    seen["expr"] = listed


def _unused(seen: Object) -> None:
    """Quotas as they were before traffic used any of them: the kernel itself sends packets at any time."""
    for one in items(seen.get("expr")):
        quota = one.get("quota") if isinstance(one, dict) else None
        if isinstance(quota, dict):
            quota.pop("used", None)
            quota.pop("used_unit", None)


def _implied_by(test: Json) -> str:
    """The header that says what a test asks; empty: none does."""
    match test:
        case {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": str(family)}}:
            return {"ipv4": "ip", "ipv6": "ip6"}.get(family, "")
        case {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": int(number)}}:
            return PROTOCOL_NAMES.get(number, "")
        case _:
            return ""


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
