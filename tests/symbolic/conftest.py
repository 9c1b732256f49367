"""How many packets both judges have seen, summed over tests and their processes."""

from __future__ import annotations

import pytest

PACKETS = "packets of both judges"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tests count for themselves (``record_property``); one that failed has not said."""
    counted = [
        value
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == PACKETS
    ]
    if counted:
        terminalreporter.write_line(f"symbolic == simulator: {sum(counted):,} packets in {len(counted)} tests")
