"""A machine that allows no network namespaces: the verb says so, kernel tests are skipped or, if required, fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from compiled import EXAMPLES

from polc.kernel.netns import environment

# In a user namespace the limit can be set without touching the host's (user_namespaces(7), namespaces(7)).
FORBID = ("unshare", "--user", "--map-root-user", "sh", "-c",
          'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"', "sh")  # fmt: skip
A_KERNEL_TEST = f"{Path(__file__).with_name('test_netns.py')}::test_two_namespaces_do_not_see_each_other"


def forbidden(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in environment().items() if name != "POLC_REQUIRE_KERNEL"} | variables
    return subprocess.run([*FORBID, sys.executable, "-m", *argv], capture_output=True, text=True, env=env, timeout=60)


@pytest.mark.kernel
def test_verify_says_what_it_lacks_and_how_to_get_it() -> None:
    done = forbidden("polc", "verify", str(EXAMPLES / "ssh-guard.yaml"))
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("error[POL602]: cannot make a scratch network namespace: unshare: ") == 3
    assert "= help: run as root, or allow user namespaces" in done.stderr
    assert done.stdout.count("not verified") == 3


@pytest.mark.kernel
@pytest.mark.parametrize(("required", "outcome", "status"), [("0", "1 skipped", 0), ("1", "1 error", 1)])
def test_a_kernel_test_is_skipped_or_fails_with_the_reason(required: str, outcome: str, status: int) -> None:
    done = forbidden("pytest", "-rsE", "-p", "no:cacheprovider", A_KERNEL_TEST, POLC_REQUIRE_KERNEL=required)
    assert outcome in done.stdout, done.stdout
    assert "POL602: cannot make a scratch network namespace" in done.stdout
    assert done.returncode == status
