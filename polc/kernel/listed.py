"""What listings of some nft lose, taken out of what they are compared with (``polc.backends.nft.losses``)."""

from __future__ import annotations

import json

from polc.importers.nft_json.json_value import Json, Object, items

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
    if any(str(one.get("version")).startswith("0.") for one in objects(seen, "metainfo")):
        _lengthen(wanted)
    return json.dumps(wanted), json.dumps(seen)


def objects(document: Json, kind: str) -> list[Object]:
    """Those of a kind, listed or added."""
    found = []
    for item in items(document.get("nftables")) if isinstance(document, dict) else []:
        inside = item.get("add", item) if isinstance(item, dict) else None
        one = inside.get(kind) if isinstance(inside, dict) else None
        if isinstance(one, dict):
            found.append(one)
    return found


def _lengthen(document: Json) -> None:
    """Shorter IPv6 prefixes in elements of several parts."""
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
