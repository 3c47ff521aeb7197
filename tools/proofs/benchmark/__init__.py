"""How fast a page loads, trains, predicts and scores on this machine, and what limits it."""

from proofs.benchmark.run import Request, benchmark

__all__ = ["Request", "benchmark"]
