from polc.diagnostics.codes.model import Code

INPUT_CODES: tuple[Code, ...] = ()
