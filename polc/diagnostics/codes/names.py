from polc.diagnostics.codes.model import Code

NAME_CODES: tuple[Code, ...] = ()
