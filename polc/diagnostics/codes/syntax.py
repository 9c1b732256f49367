from polc.diagnostics.codes.model import Code

SYNTAX_CODES: tuple[Code, ...] = ()
