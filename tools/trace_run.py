#!/usr/bin/env python
"""See tools/proofs/trace.py."""

from proofs.trace import main

if __name__ == "__main__":
    main()
