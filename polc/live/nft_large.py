"""A change that is too large for one message to the kernel, as in a user namespace (``polc.kernel.steps``).

Sets that are new are filled first, by as many transactions as it takes: no rule names them yet, so no packet meets one
that is half filled. All else still is one transaction. Elements of a set that rules name already are never parted: that
would open or close a host for what is missing; where they are too many, the change is refused.
"""

from __future__ import annotations

import json

from polc.backends.nft.json_value import Json, compact, items, members
from polc.diagnostics import Failure
from polc.kernel.steps import TOO_LONG, Runner, run_in_steps


def too_long(failure: Failure) -> bool:
    return TOO_LONG in failure.diagnostics[0].message


def make_large(nft: Runner, commands: str) -> None:
    """Raises:
    Failure: POL603, refused; POL629, what is left is still too large. Sets that have been made are there then.
    """
    document: Json = json.loads(commands)
    every = items(members(document).get("nftables"))
    gone = {_name(one, "delete") for one in every}
    early = [one for one in every if "table" in _added(one) or _is_new_set(one, gone)]
    rest = [one for one in every if one not in early]
    if early:
        run_in_steps(nft, json.dumps({"nftables": early}))
    try:
        nft.run_json(json.dumps({"nftables": rest}))
    except Failure as failure:
        if not too_long(failure):
            raise
        raise Failure.of(
            "POL629",
            "the change is larger than one message to the kernel may be here, in a user namespace",
            help="raise the sysctl `net.core.wmem_max` of the host, or apply it from outside the namespace; "
            "in several messages packets would meet a ruleset that is half changed",
        ) from None


def _added(command: Json) -> dict[str, Json]:
    return members(members(command).get("add"))


def _name(command: Json, verb: str) -> str:
    inside = members(members(command).get(verb))
    one = next((members(inside[kind]) for kind in ("set", "map") if kind in inside), {})
    return str(one.get("name", ""))


def _is_new_set(command: Json, gone: set[str]) -> bool:
    """Whether it makes a set that names nothing else of the change and is not there under another definition."""
    inside = _added(command)
    one = members(inside.get("set") or inside.get("map"))
    leads_to_chains = any(f'"{verb}":' in compact(one) for verb in ("jump", "goto"))
    return bool(one) and not leads_to_chains and one.get("map") != "counter" and str(one.get("name")) not in gone
