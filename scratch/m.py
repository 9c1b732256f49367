import sys, time, gzip
from pathlib import Path
from polc.diagnostics import Collector
from polc.firewalls import read_firewalls
from polc.symbolic.space import spaces, Space, PROTOCOL_FIRST, DEFAULT_ORDER
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.arrivals import Arrivals
from polc.symbolic.wellformed import valid
from polc.symbolic.diagram import NONE
from polc.ir.ruleset import BaseChain
from polc.ir.flavour import Flavour

for f in sys.argv[1:]:
    t = time.process_time()
    if f.endswith(".gz"):
        q = "/tmp/lints-x.save"
        open(q, "w").write(gzip.open(f, "rt").read())
        f2 = q
    else:
        f2 = f
    (rs,) = read_firewalls([f2], "polc", Collector())
    t1 = time.process_time()
    n = sum(len(c.rules) for c in rs.chains)
    for sp in spaces([rs]):
        if not any(sp.family in r.families for c in rs.chains for r in c.rules):
            continue
        h = Hooks(sp, [Loaded(rs, Flavour.IPTABLES)])
        t2 = time.process_time()
        for hook in {c.hook for c in rs.chains if isinstance(c, BaseChain)}:
            h.outcomes(hook)
        t3 = time.process_time()
        missing = None
        for early in (False, True):
            ch = h.chains(rs, early=early)
            bases = [c for c in rs.chains if isinstance(c, BaseChain) and h.is_early(c) == early]
            if not bases:
                continue
            a = Arrivals(ch, [(c, 1) for c in bases])
            dead = {
                (c.name, i)
                for c in rs.chains
                for i, r in enumerate(c.rules)
                if sp.family in r.families and a.meeting(c.name, i) == NONE
            }
            missing = dead if missing is None else missing & dead
        t4 = time.process_time()
        print(
            Path(f).name,
            n,
            sp.family.value,
            "read %.2f outcomes %.2f arrivals %.2f" % (t1 - t, t3 - t2, t4 - t3),
            "dead",
            len(missing),
            "nodes",
            len(sp.manager),
        )
