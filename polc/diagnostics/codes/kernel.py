"""POL6xx: what this machine cannot do."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code

KERNEL_CODES: tuple[Code, ...] = (
    Code(
        "POL601",
        "a program or library is missing",
        what="a tool that this command drives is not installed, or libnftables cannot be loaded",
        why="compiling needs neither, but nothing can be loaded or read back without it",
        instead="install the Debian package that the message names",
    ),
    Code(
        "POL602",
        "no permission for a scratch network namespace",
        what="the kernel refused a new user or network namespace",
        why="rules are only ever tried in a namespace of their own, never in the host's",
        instead="run as root, or allow user namespaces for this user",
    ),
    Code(
        "POL603",
        "the kernel or its tools refused the ruleset",
        what="an output was not accepted; nothing of it was loaded",
        why="either this kernel lacks a feature that the policy uses, or polc emitted something wrong",
        instead="the tool's own words are in the message; report it if the feature is there",
    ),
    Code(
        "POL610",
        "no stage for real packets",
        what="a host with the interfaces, addresses and routes that packets need could not be made in a namespace",
        why="packets are sent through a real kernel, between namespaces that stand for the host and for the world",
        instead="the kernel's own words are in the message: an address or route of the host's description, a driver "
        "(veth), or nfnetlink_log that is missing",
    ),
    Code(
        "POL611",
        "a packet that cannot be sent for real",
        what="the packet has something that none on a wire has, such as a conntrack state without a flow before it",
        why="the simulator can take it as given, the kernel cannot",
        instead="write the packets that come before it as steps of a scenario, or try it in the simulator alone",
    ),
    Code(
        "POL620",
        "the state directory cannot be written",
        what="where `polc apply` keeps its history and what is under way, `/var/lib/polc` or what `--state-dir` names, "
        "cannot be made or written",
        why="the way back is on the disk before anything changes; without one nothing is changed",
        instead="run as root, make room on the disk, or name another directory",
    ),
    Code(
        "POL621",
        "another polc is at it",
        what="another process has held the lock of the state directory for a minute",
        why="two that change one firewall at a time would each undo what the other did",
        instead="wait for it to end; a program that it started, such as `nft`, holds the lock too",
    ),
    Code(
        "POL622",
        "the state directory holds something else",
        what="a file there is not what polc writes, or a newer polc wrote it",
        why="what is under way cannot be told from it, and guessing could leave the host without its rules",
        instead="restore the directory, or move it away: `polc apply --adopt` then takes over what runs",
    ),
    Code(
        "POL623",
        "nothing to go back to",
        what="the history has no such entry, or nothing of polc's runs here",
        why="a way back is taken from the history alone",
        instead="`polc history` lists the entries",
    ),
    Code(
        "POL624",
        "something of that name is there already",
        what="a table of the policy's name, or on iptables rules or chains where its own would stand, are in the "
        "kernel, and no apply on record has loaded them",
        why="they may be another program's, or loaded by hand; replacing them could end what others rely on",
        instead="`polc plan --adopt` shows what would become of them, `--adopt` takes them over; or give the policy "
        "another name with `settings: {table: ...}`",
    ),
    Code(
        "POL625",
        "another target runs here",
        what="what runs was applied for nft, and this is for iptables, or the other way round",
        why="both would judge each packet, and only what both accept would pass",
        instead="`polc rollback 0` takes the old one away",
    ),
    Code(
        "POL626",
        "an entry waits to be confirmed",
        what="what was applied with `--confirm` has neither been confirmed nor taken back yet",
        why="the next one would have two ways back, and the first deadline would undo both",
        instead="`polc confirm` or `polc rollback`, then apply",
    ),
    Code(
        "POL627",
        "the kernel holds something else",
        what="what was loaded has been read back, and is not what was given to the kernel; what ran before runs again",
        why="another program may have changed it at the same moment, or a tool misread it",
        instead="apply once more; if it happens again, `polc verify` shows the difference in a scratch namespace",
    ),
    Code(
        "POL628",
        "nobody would go back",
        what="the process that goes back when nobody confirms, or when polc is killed half-way, cannot be started",
        why="without it a lock-out would stay; nothing has been changed",
        instead="the reason is in the message; without `--confirm` nft needs no such process",
    ),
    Code(
        "POL629",
        "too large for one message",
        what="a change of the running ruleset is larger than one message to the kernel may be, as in a user namespace, "
        "where `net.core.wmem_max` is the limit",
        why="in several messages packets would meet a ruleset that is half changed, so nothing is changed",
        instead="raise that sysctl on the host, or apply from outside the namespace; new sets are no problem: they are "
        "filled before rules name them",
    ),
)
