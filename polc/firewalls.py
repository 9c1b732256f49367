"""What verbs take as a firewall: policies, files of iptables-save and of ipset, scripts of iptables, nft's JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from polc.diagnostics import Collector, Failure
from polc.ir.ruleset import Ruleset
from polc.policy.files import read_file
from polc.policy.read import Inspection, inspect_source
from polc.simulate.host import Host
from polc.simulate.settings import Flavour
from polc.source import SourceFile
from polc.testing.hosts import described_host

_POLICY = re.compile(r'^polc[ \t]*:|^[ \t]*[{,]?[ \t]*"polc"[ \t]*:', re.MULTILINE)
_NFT_JSON = re.compile(r'\{\s*"nftables"\s*:')


@dataclass(frozen=True, slots=True)
class Firewall:
    """Rulesets of one file, all on one host, and whose words they have; ``host`` is what the file says of that host.

    ``policy`` is what a policy is made of, None of other files; ``sources`` are the texts.
    """

    rulesets: tuple[Ruleset, ...]
    flavour: Flavour = Flavour.NFT
    host: Host | None = None
    policy: Inspection | None = None
    sources: tuple[SourceFile, ...] = ()


def read_firewall(path: str, collector: Collector) -> Firewall:
    """The firewall in a file (``-``: standard input); notes and warnings go to the collector.

    Raises:
        Failure: with all that is wrong in it.
    """
    source = read_file(path, standard_input=path == "-")
    if _NFT_JSON.match(source.text.lstrip()):
        # Only where they are needed: policies do not wait for importers.
        from polc.importers.nft_json import read_nft_json

        return Firewall(read_nft_json(source, collector), sources=(source,))
    if not _POLICY.search(source.text):
        found = _iptables(source, collector)
        if found is not None:
            return found
    inspected = inspect_source(source, collector)
    host = described_host(inspected)
    return Firewall((inspected.ruleset,), host=host, policy=inspected, sources=tuple(inspected.sources))


def read_firewalls(paths: Sequence[str], table: str, collector: Collector) -> tuple[Ruleset, ...]:
    """The rulesets that files of iptables and nft mean together: those of both families and of sets are read as one
    firewall, in a table of the name ``table``; nft's tables stay as they are.

    Raises:
        Failure: with all that is wrong in them; POL069, a file is neither.
    """
    from polc.importers.iptables.read import Input, family_of, kind_of, read
    from polc.importers.nft_json import read_nft_json

    found: list[Ruleset] = []
    inputs: list[Input] = []
    for path in paths:
        source = read_file(path, standard_input=path == "-")
        kind = None if _POLICY.search(source.text) else kind_of(source.text)
        if _NFT_JSON.match(source.text.lstrip()):
            found += read_nft_json(source, collector)
        elif kind is not None:
            inputs.append(Input(source, kind, family_of(source)))
        else:
            raise Failure.of(
                "POL069", "this is no file of iptables or ipset, and no JSON of nft", source.whole(),
                help="`iptables-save`, `ipset save`, `nft -j list ruleset` print such; policies are for `polc compile`",
            )  # fmt: skip
    return (*(read(inputs, collector, table) if inputs else ()), *found)


def _iptables(source: SourceFile, collector: Collector) -> Firewall | None:
    """None: it is none of iptables' files."""
    from polc.importers.iptables.read import Input, Kind, family_of, kind_of, read

    kind = kind_of(source.text)
    if kind is None:
        return None
    if kind is Kind.IPSET:
        raise Failure.of("POL068", "a file of sets is no firewall by itself", source.whole())
    family = family_of(source)
    return Firewall(read([Input(source, kind, family)], collector), Flavour.IPTABLES, sources=(source,))
