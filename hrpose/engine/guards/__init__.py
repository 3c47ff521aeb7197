"""Beside the main line: what is looked at before a run, and what may not be saved."""
