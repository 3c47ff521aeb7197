"""Builds an experiment from its page, trains and tests it."""

from hrpose.engine import optim, settings  # noqa: F401 - they register their names
