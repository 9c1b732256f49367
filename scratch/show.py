import sys

sys.path.insert(0, "tests/analysis")
import test_lints as t, tempfile, pathlib
from polc.analysis.registry import findings
from polc.policy.read import inspect_policy
from polc.diagnostics import Collector
from polc.diagnostics.text import render

tmp = pathlib.Path(tempfile.mkdtemp())
import itertools


def params(fn):
    return [m.args[1] for m in fn.pytestmark if m.name == "parametrize"][0]


for fn in (t.test_nothing_to_say, t.test_found):
    for i, p in enumerate(params(fn)):
        text = p if isinstance(p, str) else p[0]
        (tmp / "p.yaml").write_text(text)
        out = [d for d in findings(inspect_policy(str(tmp / "p.yaml"), Collector())) if d.code.startswith("POL32")]
        if out:
            print(fn.__name__, i)
            print(render(out).replace(str(tmp), ""))
