"""Every golden and example, compiled with this very polc. Runs by itself, to compare Pythons: see ``main``."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from polc.backends.model import Fidelity, Options, Output
from polc.backends.profile import OLDEST, Profile
from polc.backends.registry import BACKENDS
from polc.compiler import describe, read
from polc.diagnostics.text import render

ROOT = Path(__file__).resolve().parents[2]
POLICIES = tuple(sorted((*ROOT.glob("tests/golden/*.yaml"), *ROOT.glob("examples/*.yaml"))))


def compiled(policy: Path, target: str, form: str, profile: Profile = OLDEST) -> Output | str:
    """The output for a profile, or the words of the refusal. Approximations are agreed to."""
    with chdir(policy.parent):
        output = BACKENDS[target].emit(read(policy.name), Options(form, profile))
        refused = [one for one in output.deviations if one.fidelity is Fidelity.REFUSED]
        return render(describe(one, target) for one in refused) if refused else output


def digests() -> Iterator[tuple[str, str]]:
    """Names of outputs and the SHA-256 of their bytes, refusals among them."""
    for policy in POLICIES:
        for target, backend in BACKENDS.items():
            for form in backend.formats:
                output = compiled(policy, target, form)
                texts = {"refused": output} if isinstance(output, str) else {one.name: one.text for one in output.files}
                for name, text in texts.items():
                    yield f"{policy.stem} {target} {form} {name}", hashlib.sha256(text.encode()).hexdigest()


def main() -> int:
    """Print the version of this Python, and all digests, as JSON."""
    print(json.dumps({"python": "{}.{}.{}".format(*sys.version_info), "digests": dict(digests())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
