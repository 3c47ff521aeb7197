#!/usr/bin/env python
"""`hrpose flops`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("flops")
