"""What hosts are like that are built for packets of probes."""

from __future__ import annotations

from dataclasses import replace

from polc.simulate.settings import Settings


def on_stage(settings: Settings | None) -> Settings:
    """The settings there: no program of a stage's own listens on any queue."""
    return replace(settings or Settings(), queued=False)
