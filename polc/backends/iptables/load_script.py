"""The script that loads files of own chains beside the rules of others.

A restore file can empty a chain that is there and make one that is not, but it cannot add a jump only where there is
none, nor take away what may not be there: `-D` of a rule that is absent fails, and with it the table. So the script
looks first (iptables-save), and then gives iptables-restore one transaction a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from polc.backends.iptables.restore import END

SCRIPT = "load.sh"

_MERGE = r"""
now && /^\*/ { table = substr($1, 2) }
now && /^:/ && index($1, ":" own) == 1 { chains[table] = chains[table] " " substr($1, 2) }
now && NF == 4 && $1 $3 == "-A-j" && index($4, own) == 1 && index($2, own) != 1 {
    jumps[table] = jumps[table] "\n" $2 " " $4
    calls[table, $0]++
}
now { next }
/^#/ { print; next }
/^\*/ { table = substr($1, 2); done[table] = 1; split("", kept) }
/^:/ { kept[substr($1, 2)] = 1 }
/^-A / && NF == 4 && $3 == "-j" { asked[table, $0] = 1; if (calls[table, $0]-- > 0) next }
/^COMMIT/ { leave(table) }
{ print }
END {
    split("", kept)
    for (table in chains) if (!(table in done)) { print "*" table; leave(table); print "COMMIT" }
}
# Empty and take away what the policy does not have any more, and jumps that are there twice.
function leave(table,    name, n, i, old, jump, line, again) {
    n = split(chains[table], name, " ")
    for (i = 1; i <= n; i++) if (!(name[i] in kept)) print ":" name[i] " - [0:0]"
    n = split(jumps[table], old, "\n")
    for (i = 2; i <= n; i++) {
        split(old[i], jump, " ")
        line = "-A " jump[1] " -j " jump[2]
        again = (table, line) in asked && calls[table, line]-- > 0
        if (again || !(jump[2] in kept)) print "-D " jump[1] " -j " jump[2]
    }
    n = split(chains[table], name, " ")
    for (i = 1; i <= n; i++) if (!(name[i] in kept)) print "-X " name[i]
}
"""

_OWN = r"""
/^\*/ { table = $0; text = "" }
/^:/ && index($1, ":" own) == 1 { text = text $1 " - [0:0]\n" }
/^-A / && (index($2, own) == 1 || (NF == 4 && $3 == "-j" && index($4, own) == 1)) { text = text $0 "\n" }
/^COMMIT/ && text != "" { printf "%s\n%sCOMMIT\n", table, text }
"""

_TEXT = """\
#!/bin/sh
# Loads {files} beside the rules of others, as often as you like.
# VARIANT=nft or VARIANT=legacy has iptables-nft or iptables-legacy do it; without it, what the host calls iptables.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the host has now, and a file: the file without jumps that are there, and without own chains that it lacks.
merge() {{
    awk -v own={prefix} '{merge}' now=1 "$1" now=0 "$2"
}}

# Of what the host had, the own chains.
own() {{
    awk -v own={prefix} '{own}' "$1"
}}

each() {{
    for pair in {pairs}; do
        tool=${{pair%%:*}}${{VARIANT:+-$VARIANT}} file=${{pair#*:}}
        "$1" || return 1
    done
}}

prepare() {{
    if [ "$(tail -n 1 "$file")" != '{end}' ]; then
        echo "$0: $file breaks off: nothing is loaded" >&2
        return 1
    fi
    "$tool-save" >"$work/before-$file" &&
        merge "$work/before-$file" "$file" >"$work/$file" &&
        "$tool-restore" --noflush --counters --test <"$work/$file"
}}

load() {{
    "$tool-restore" --noflush --counters <"$work/$file"
}}

put_back() {{
    "$tool-save" >"$work/now" &&
        own "$work/before-$file" >"$work/own" &&
        merge "$work/now" "$work/own" | "$tool-restore" --noflush --counters
}}
{sets_made}
each prepare{sets_filled}
if ! each load; then
    # The kernel refused what --test had passed.
    each put_back
    exit 1
fi
"""
_MADE = """
# Rules name sets that exist; what is in them changes when the rules have passed.
grep '^create ' {sets} | grep -v '^create [^ ]*-new ' | ipset -exist restore
"""
_FILLED = "\nipset -exist restore <{sets}"
_TOOLS = {".v4": "iptables", ".v6": "ip6tables"}


def script(prefix: str, files: Sequence[str]) -> str:
    """The script for files of these names; own chains begin with ``prefix``."""
    tools = {name: _TOOLS.get(PurePath(name).suffix) for name in files}
    sets = next((name for name, tool in tools.items() if tool is None), None)
    return _TEXT.format(
        files=" and ".join(part for part in (", ".join(files[:-1]), files[-1]) if part),
        prefix=prefix,
        merge=_MERGE,
        own=_OWN,
        end=END,
        pairs=" ".join(f"{tool}:{name}" for name, tool in tools.items() if tool),
        sets_made=_MADE.format(sets=sets) if sets else "",
        sets_filled=_FILLED.format(sets=sets) if sets else "",
    )
