"""The section `settings`."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping

from polc.diagnostics import Collector
from polc.policy.document import Word
from polc.policy.lower.logs import log_level
from polc.policy.lower.scope import Service, Settings
from polc.policy.lower.services import resolve_services
from polc.policy.lower.symbols import unknown_service
from polc.policy.nodes import Entry, Mapping, Node, Scalar
from polc.policy.rule_mapping import service_words


def read_settings(
    entries: AbstractMapping[str, Entry], services: AbstractMapping[str, Service | None], collector: Collector
) -> Settings:
    """What the policy says of itself; what is wrong is recorded."""
    found = Settings()
    table, family, management, log = (
        entries[one].value if one in entries else None for one in ("table", "family", "management", "log")
    )
    if isinstance(table, Scalar):
        found = found._replace(table=Word(table.text, table.span))
    if isinstance(family, Scalar):
        found = found._replace(family=Word(family.text, family.span))
    if management is not None:
        found = found._replace(management=_service(management, services, collector))
    if isinstance(log, Mapping):
        found = found._replace(log_level=_word(log, "level"), log_group=_word(log, "group"))
        if found.log_level:
            log_level(found.log_level, collector)
        if found.log_level and found.log_group:
            message = "a level goes with the kernel log, and a group is another place for the packet"
            collector.error("POL121", message, found.log_level.span)
    return found


def _word(node: Mapping, key: str) -> Word | None:
    value = node.get(key)
    return Word(value.text, value.span) if isinstance(value, Scalar) else None


def _service(node: Node, services: AbstractMapping[str, Service | None], collector: Collector) -> Service | None:
    def lookup(word: Word) -> Service | None:
        try:
            return services[word.text]
        except KeyError:
            unknown_service(word, tuple(services), collector)
            return None

    words, sport = service_words(node)
    return resolve_services(words, sport, lookup, collector)
