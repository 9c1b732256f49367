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
)
