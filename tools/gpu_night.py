#!/usr/bin/env python
"""See tools/proofs/gpu_night/command.py."""

from proofs.gpu_night.command import main

if __name__ == "__main__":
    main()
