"""The verbs of the command line: one module each, which reads its arguments and calls."""
