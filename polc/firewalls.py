"""What verbs take as a firewall: policies, files and scripts of iptables and ipset, JSON and text of nft."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from polc.diagnostics import Collector, Failure
from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.policy.files import read_file
from polc.policy.read import Inspection, inspect_source
from polc.simulate.host import Host
from polc.simulate.settings import Flavour
from polc.source import SourceFile
from polc.testing.hosts import described_host

_POLICY = re.compile(r'^polc[ \t]*:|^[ \t]*[{,]?[ \t]*"polc"[ \t]*:', re.MULTILINE)
_NFT_JSON = re.compile(r'\{\s*"nftables"\s*:')
_NFT_TEXT = re.compile(
    r"^[ \t]*(?:(?:add |create )?table[ \t]+(?:(?:ip6?|inet|arp|bridge|netdev)[ \t]+)?[^\s{]+\s*(?:\{|$)"
    r"|(?:add|insert)[ \t]+rule[ \t]|flush[ \t]+ruleset\b|#!\S*\bnft\b)",
    re.MULTILINE,
)
_IPTABLES = re.compile(r"^[^#\n]*\bip6?tables[ \t]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Firewall:
    """Rulesets of one file, all on one host, and whose words they have; ``host`` is what the file says of that host.
    ``saved`` is a file of iptables-save: the name that loaders know it by, and its text. ``policy`` is what a policy is
    made of, None of other files; ``sources`` are the texts.
    """

    rulesets: tuple[Ruleset, ...]
    flavour: Flavour = Flavour.NFT
    host: Host | None = None
    saved: tuple[str, str] | None = None
    policy: Inspection | None = None
    sources: tuple[SourceFile, ...] = ()


def read_firewall(path: str, collector: Collector) -> Firewall:
    """The firewall in a file (``-``: standard input); notes and warnings go to the collector.

    Raises:
        Failure: with all that is wrong in it.
    """
    return firewall_of(read_file(path, standard_input=path == "-"), collector)


def firewall_of(source: SourceFile, collector: Collector) -> Firewall:
    """As ``read_firewall``, of a text at hand."""
    if _NFT_JSON.match(source.text.lstrip()):
        # Only where they are needed: policies do not wait for importers.
        from polc.importers.nft_json import read_nft_json

        return Firewall(read_nft_json(source, collector), sources=(source,))
    if _is_nft_text(source):
        from polc.kernel.nft_text import read_nft

        return Firewall(read_nft(source, collector), sources=(source,))
    if not _POLICY.search(source.text):
        found = _iptables(source, collector)
        if found is not None:
            return found
    inspected = inspect_source(source, collector)
    host = described_host(inspected)
    return Firewall((inspected.ruleset,), host=host, policy=inspected, sources=tuple(inspected.sources))


def read_together(paths: Sequence[str], collector: Collector) -> list[Firewall]:
    """As ``read_firewall`` of each file, but that those of iptables and ipset are one firewall.

    Raises:
        Failure: with all that is wrong in them.
    """
    from polc.importers.iptables.read import Input, family_of, kind_of, read

    found: list[Firewall] = []
    inputs: list[Input] = []
    for path in paths:
        source = read_file(path, standard_input=path == "-")
        known = _POLICY.search(source.text) or _NFT_JSON.match(source.text.lstrip())
        kind = None if known else kind_of(source.text)
        if kind is None or len(paths) == 1:
            found.append(firewall_of(source, collector))
        else:
            inputs.append(Input(source, kind, family_of(source)))
    sources = tuple(one.source for one in inputs)
    return [
        *(Firewall(read(inputs, collector), Flavour.IPTABLES, sources=sources) for _ in inputs[:1]),
        *found,
    ]


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
        source = read_file(path, standard_input=path == "-", dump=True)
        kind = None if _POLICY.search(source.text) else kind_of(source.text)
        if _NFT_JSON.match(source.text.lstrip()):
            found += read_nft_json(source, collector)
        elif _is_nft_text(source):
            from polc.kernel.nft_text import read_nft  # only here: it needs a kernel

            found += read_nft(source, collector)
        elif kind is not None:
            inputs.append(Input(source, kind, family_of(source)))
        elif _POLICY.search(source.text):
            raise Failure.of(
                "POL069", "this is a policy, and no ruleset of a tool", source.whole(),
                help="`polc compile --target nft`, or `iptables`, writes it for a tool",
            )  # fmt: skip
        else:
            raise Failure.of(
                "POL069", "this is no file of iptables or ipset, and no ruleset of nft", source.whole(),
                help="`iptables-save`, `ipset save`, `nft list ruleset` print such; policies are for `polc compile`",
            )  # fmt: skip
    found[:0] = read(inputs, collector, table) if inputs else ()
    if not found:
        only = next((one.source for one in inputs), source)
        message = "a file of sets is no firewall by itself" if inputs else "there is no table in it"
        raise Failure.of("POL068", message, only.whole(), help="the file of the rules besides")
    return tuple(found)


def _is_nft_text(source: SourceFile) -> bool:
    """Whether it is in nft's own language; a script that calls iptables too is iptables'."""
    if _POLICY.search(source.text) or not _NFT_TEXT.search(source.text):
        return False
    from polc.importers.iptables.read import Kind, kind_of  # only here: policies do not wait for importers

    return kind_of(source.text) in (None, Kind.SCRIPT) and not _IPTABLES.search(source.text)


def is_nft_json(source: SourceFile) -> bool:
    """Whether it is what ``nft -j`` prints or takes."""
    return _NFT_JSON.match(source.text.lstrip()) is not None


def is_policy(source: SourceFile) -> bool:
    """Whether it says that it is a policy."""
    return _POLICY.search(source.text) is not None


def _iptables(source: SourceFile, collector: Collector) -> Firewall | None:
    """None: it is none of iptables' files."""
    from polc.importers.iptables.read import Input, Kind, family_of, kind_of, read

    kind = kind_of(source.text)
    if kind is None:
        return None
    if kind is Kind.IPSET:
        raise Failure.of("POL068", "a file of sets is no firewall by itself", source.whole())
    family = family_of(source)
    saved = ("rules.v6" if family is Family.IP6 else "rules.v4", source.text) if kind is Kind.RESTORE else None
    return Firewall(read([Input(source, kind, family)], collector), Flavour.IPTABLES, saved=saved, sources=(source,))
