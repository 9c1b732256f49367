"""What ``scripts/fuzz`` runs: each reader takes the inputs that it begins with, whole and cut off."""

from __future__ import annotations

import pytest
from fuzzing.readers import READERS
from fuzzing.seeds import dictionary, seeds

MOST = 6


@pytest.mark.parametrize("reader", READERS)
def test_readers_take_their_seeds(reader: str) -> None:
    found = sorted(seeds(reader), key=len)
    assert len(found) > 1
    for data in found[:MOST]:
        READERS[reader].run(data)
        READERS[reader].run(data[: len(data) * 2 // 3])
        READERS[reader].run(data[::-1])


def test_words_are_quoted_for_libfuzzer() -> None:
    lines = dictionary("iptables-save").splitlines()
    assert '" --ctstate "' in lines
    assert all(line.startswith('"') and line.endswith('"') and line.isascii() for line in lines)
