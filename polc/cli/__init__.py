"""The command line: one file a verb, with its arguments, exit status and printing, and no logic."""
