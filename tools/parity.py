#!/usr/bin/env python
"""See tools/proofs/parity.py."""

from proofs.parity import main

if __name__ == "__main__":
    main()
