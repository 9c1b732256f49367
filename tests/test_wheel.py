"""The wheel works away from the checkout: grammar and schemas travel in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

POLICY = "polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/22\n"


def test_an_installed_wheel_compiles_outside_the_checkout(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(root)], check=True)
    (wheel,) = tmp_path.glob("polc-*.whl")
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    # -P and the path together keep the checkout out of sight: only the wheel's polc can be imported.
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import polc; print(polc.__file__); from polc.cli.main import main; "
         f"main(['explain', 'state']); raise SystemExit(main(['compile', {str(policy)!r}, '--target', 'nft']))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    where, _, rest = done.stdout.partition("\n")
    concept, _, output = rest.partition('{"nftables"')
    output = '{"nftables"' + output
    assert concept.startswith("# State: ")
    assert Path(where).is_relative_to(site)
    assert json.loads(output)["nftables"]
