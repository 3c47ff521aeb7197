#!/usr/bin/env python
"""See tools/proofs/benchmark/command.py."""

from proofs.benchmark.command import main

if __name__ == "__main__":
    main()
