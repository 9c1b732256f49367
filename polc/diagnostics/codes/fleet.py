"""POL08x: inventories."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

FLEET_CODES: tuple[Code, ...] = (
    Code(
        "POL080",
        "a group that is not there",
        what="a host or group of an inventory is in a group that the inventory does not have",
        why="the host would lack the rules of that group",
        instead="the name of a group under `groups`",
    ),
    Code(
        "POL081",
        "a group that is in itself",
        what="a group of an inventory is in itself, perhaps through others",
        why="there is no order in which their rules could stand",
        instead="the common part in a group of its own, which both are in",
    ),
    Code(
        "POL082",
        "a variable that is not there",
        what="a policy names `${variable}`, and neither the host nor a group of its has a value for it",
        why="a rule without its address or port would be another rule",
        instead="the variable under `variables` of `all`, of a group or of the host; `$${` is a `${` that names none",
    ),
    Code(
        "POL083",
        "a variable in a wrong place",
        what="a list stands within a text, a variable in a key, `${` has no `}`, or a variable is called `host`",
        why="what it would come to is not what is written",
        instead="a list as the whole of a value or as an item of a list; in rules the name of a group of addresses",
    ),
    Code(
        "POL084",
        "a host cannot be written so",
        what="an inventory gives a host a format that its target does not have, or a profile that nobody knows",
        why="the files would not load there",
        instead="a format of the target, and a profile of `polc explain profiles`",
    ),
    Code(
        "POL085",
        "a variable that depends on itself",
        what="the value of a variable names that variable, perhaps through others",
        why="it has no value",
        instead="the common part in a variable of its own",
    ),
    Code(
        "POL086",
        "a host that is not there",
        what="`--host` names a host that the inventory does not have",
        why="nothing would be compiled, and a misspelt name would go unseen",
        instead="a name under `hosts`, or a pattern such as `web-*` that some of them have",
    ),
    Code(
        "POL087",
        "hosts are not done",
        what="a process that compiled hosts has been killed, perhaps for want of memory",
        why="what it had not come to is as it was; what is written is whole",
        instead="the same command again, with fewer processes (`--jobs`)",
    ),
)
