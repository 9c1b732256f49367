"""What verbs take as a firewall: policies, files of iptables-save and of ipset, scripts of iptables, nft's JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass

from polc.diagnostics import Collector, Failure
from polc.ir.ruleset import Ruleset
from polc.policy.files import read_file
from polc.policy.read import inspect_source
from polc.simulate.host import Host
from polc.simulate.settings import Flavour
from polc.source import SourceFile
from polc.testing.hosts import described_host

_POLICY = re.compile(r'^polc[ \t]*:|^[ \t]*[{,]?[ \t]*"polc"[ \t]*:', re.MULTILINE)
_NFT_JSON = re.compile(r'\{\s*"nftables"\s*:')


@dataclass(frozen=True, slots=True)
class Firewall:
    """Rulesets of one file, all on one host, and whose words they have; ``host`` is what the file says of that host."""

    rulesets: tuple[Ruleset, ...]
    flavour: Flavour = Flavour.NFT
    host: Host | None = None


def read_firewall(path: str, collector: Collector) -> Firewall:
    """The firewall in a file (``-``: standard input); notes and warnings go to the collector.

    Raises:
        Failure: with all that is wrong in it.
    """
    source = read_file(path, standard_input=path == "-")
    if _NFT_JSON.match(source.text.lstrip()):
        # Only where they are needed: policies do not wait for importers.
        from polc.importers.nft_json import read_nft_json

        return Firewall(read_nft_json(source, collector))
    if not _POLICY.search(source.text):
        found = _iptables(source, collector)
        if found is not None:
            return found
    inspected = inspect_source(source, collector)
    return Firewall((inspected.ruleset,), host=described_host(inspected))


def _iptables(source: SourceFile, collector: Collector) -> Firewall | None:
    """None: it is none of iptables' files."""
    from polc.importers.iptables.read import Input, Kind, family_of, kind_of, read

    kind = kind_of(source.text)
    if kind is None:
        return None
    if kind is Kind.IPSET:
        raise Failure.of("POL068", "a file of sets is no firewall by itself", source.whole())
    family = family_of(source)
    return Firewall(read([Input(source, kind, family)], collector), Flavour.IPTABLES)
