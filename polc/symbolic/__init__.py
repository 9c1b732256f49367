"""The semantics of rulesets as functions of all packets at once: interval decision diagrams, by hook and by way.

Nothing here is shared with ``polc.simulate`` but the IR, so that each is the other's judge.
"""
