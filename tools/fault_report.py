#!/usr/bin/env python
"""See tools/proofs/fault_report.py."""

from proofs.fault_report import main

if __name__ == "__main__":
    main()
