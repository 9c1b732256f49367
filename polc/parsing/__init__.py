"""Lark's grammars without Lark: parse tables that are kept as data, and the automaton that runs them.

Importing Lark takes longer than a policy of ten rules, so it is there only to make the tables
(``python -m polc.parsing.build_tables``).
"""
