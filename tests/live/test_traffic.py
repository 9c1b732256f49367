"""Applied again and again under traffic, on a small scale; ``benchmarks/apply.py`` alone is the large one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "apply.py"


@pytest.mark.kernel("nft")
def test_no_packet_counter_or_element_is_lost() -> None:
    scale = {"applies": 5, "rules": 200, "elements": 2000, "dynamic": 200}
    words = [word for name, value in scale.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([sys.executable, str(BENCHMARK), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules that count: 201 of 201 kept" in done.stdout
    assert "dynamic elements: 200 of 200 kept" in done.stdout
