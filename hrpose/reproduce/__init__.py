"""The results table, measured: published checkpoints tested, or rows trained, and compared."""

from hrpose.reproduce.run import Request, reproduce

__all__ = ["Request", "reproduce"]
