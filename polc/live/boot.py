"""What boot loads: the last confirmed ruleset, by a script of its own that needs neither Python nor polc.

``STATE/boot/load`` is replaced whole with every confirmation, once `polc persist` has been asked for. Where the ruleset
cannot be loaded, it leaves the host closed or open, as asked: closed is a table that drops all but loopback.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

from polc.diagnostics import Failure
from polc.live.host import Host
from polc.live.roads import road_of
from polc.live.store import Store

CLOSED = "closed"
OPEN = "open"
MODES = (CLOSED, OPEN)

CLOSED_TABLE = "polc_closed"
_SHUT = f"""\
table inet {CLOSED_TABLE} {{
\tchain input {{
\t\ttype filter hook input priority -150; policy drop;
\t\tiifname "lo" accept
\t}}
\tchain forward {{
\t\ttype filter hook forward priority -150; policy drop;
\t}}
\tchain output {{
\t\ttype filter hook output priority -150; policy drop;
\t\toifname "lo" accept
\t}}
}}
"""
_CLOSE = """\
nft -f closed.nft || for tool in iptables ip6tables; do
    for chain in INPUT FORWARD OUTPUT; do "$tool" -P "$chain" DROP; done
done
"""
_SCRIPT = """\
#!/bin/sh
# Written by `polc persist`, anew with every confirmation: loads entry {number} of the history.
# Where that fails, the host stays {mode}.
set -u
cd "$(dirname "$0")" || exit 1
# Where it takes too long, systemd ends what runs here, and that is a failure too.
trap : TERM
load() {{
{load}
}}
if load; then
{opened}    exit 0
fi
echo "polc: entry {number} could not be loaded; the host stays {mode}" >&2
{failed}exit 1
"""


def persist(store: Store, mode: str) -> int:
    """Have boot load what is confirmed, now and after each confirmation; the number of its entry.

    Raises:
        Failure: POL623, nothing is confirmed; POL620.
    """
    state = store.state()
    if not state.confirmed:
        raise Failure.of("POL623", "nothing is confirmed that boot could load", path=str(store.root))
    store.write(replace(state, persisted=mode))
    refresh(store)
    return state.confirmed


def forget(store: Store) -> None:
    """Have boot load nothing.

    Raises:
        Failure: POL620.
    """
    store.write(replace(store.state(), persisted=""))
    _load_nothing(store, "`polc persist --off`", "{}\n")


def _load_nothing(store: Store, why: str, written: str) -> None:
    store.put("boot/load", f"#!/bin/sh\n# Boot loads nothing: {why}.\nexit 0\n", executable=True)
    store.put("boot/entry.json", written)


def open_again(store: Store, host: Host) -> None:
    """Take away what keeps a host closed whose boot could not load its ruleset: now it has one."""
    if store.text("boot/entry.json"):
        # To delete what is not there would be an error. Without nft there is none.
        with suppress(Failure):
            host.run(["nft", "-f", "-"], f"table inet {CLOSED_TABLE}\ndelete table inet {CLOSED_TABLE}\n")


def refresh(store: Store) -> None:
    """Bring what boot loads up to what is confirmed, where that is asked for and not so already.

    Raises:
        Failure: POL620.
    """
    state = store.state()
    written = json.dumps({"entry": state.confirmed, "mode": state.persisted}) + "\n"
    if not state.persisted or store.text("boot/entry.json") == written:
        return
    if not state.confirmed:
        _load_nothing(store, "nothing is confirmed", written)
        return
    entry, files = store.entry(state.confirmed), store.files(state.confirmed)
    # In a directory of their own: the script that stands there names whole files until it is replaced.
    names = {one.name: f"{state.confirmed}/{one.name}" for one in files}
    for one in files:
        store.put(f"boot/{names[one.name]}", one.text)
    store.put("boot/closed.nft", _SHUT)
    closed = state.persisted == CLOSED
    store.put(
        "boot/load",
        _SCRIPT.format(
            number=state.confirmed,
            mode=state.persisted,
            load="".join(f"    {line} || return 1\n" for line in road_of(entry.road).boot(names)).rstrip("\n"),
            opened=f"    nft delete table inet {CLOSED_TABLE} 2>/dev/null\n" if closed else "",
            failed=_CLOSE if closed else "",
        ),
        executable=True,
    )
    store.put("boot/entry.json", written)
    store.clear("boot", {"load", "closed.nft", "entry.json", str(state.confirmed)})
