"""One spelling for rulesets that mean the same, to compare what was meant with what was read back.

Evened out are: the order of matches, which commute; rules that stand apart for families, services or interfaces and do
the same; negations of what every packet has; the names of state and of chains that one side alone has; counters.
"""

from polc.ir.canonical.compare import differences

__all__ = ["differences"]
