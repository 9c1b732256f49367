"""The table of what polc knows of nft in ``docs/nft.md``, made from the importer.

``python tests/nft_table.py`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from polc.importers.nft_json import subjects as read
from polc.ir.matches import ExtensionHeader

PAGE = Path(__file__).parent.parent / "docs" / "nft.md"
BEGIN, END = "<!-- known: python tests/nft_table.py -->\n", "<!-- end of known -->\n"

HEADINGS: dict[type[object], str] = {
    read.Address: "addresses",
    read.FlowAddress: "addresses of the flow",
    read.Port: "ports",
    read.Protocol: "transport protocol",
    read.PacketFamily: "family",
    read.Interface: "interfaces",
    read.State: "state",
    read.Icmp: "ICMP",
    read.Flags: "flags",
    read.Name: "names",
    read.Number: "numbers",
    read.AddressKind: "kinds of addresses",
    read.WayBack: "the way back",
    read.Fragment: "fragments",
    read.Header: "extension headers",
    read.Option: "TCP options",
    read.Has: "traits",
    read.Turn: "turns",
    read.Chance: "chance",
}
"""In the order of the rows."""


def rows() -> Iterator[str]:
    found: dict[type[object], list[str]] = {kind: [] for kind in HEADINGS}
    for name, one in read.known().items():
        found[type(one)].append(_spelled(name))
    found[read.Header] = [f"exthdr {one.value}" for one in ExtensionHeader]
    found[read.Turn] = ["numgen inc mod N"]
    yield "| | words of nft |"
    yield "| --- | --- |"
    for kind, names in found.items():
        yield f"| {HEADINGS[kind]} | {', '.join(f'`{name}`' for name in dict.fromkeys(names))} |"


def _spelled(name: str) -> str:
    """As nft's own language has it, where JSON has other words."""
    return name.replace(",", " . ") if name.startswith("fib ") else name.removeprefix("exthdr ")


def table() -> str:
    return "".join(f"{row}\n" for row in rows())


def written() -> str:
    """What stands on the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
