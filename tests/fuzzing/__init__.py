"""``scripts/fuzz``: bytes for each reader, guided by coverage (atheris, which is libFuzzer for Python)."""
