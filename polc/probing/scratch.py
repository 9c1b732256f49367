"""What hosts are like that are built for packets of probes."""

from __future__ import annotations

from dataclasses import replace

from polc.simulate.settings import Queues, Settings


def on_stage(settings: Settings | None) -> Settings:
    """The settings there: whoever listens on a queue drops what comes (``Stage.furnish``)."""
    return replace(settings or Settings(), queues=Queues.DROP)
