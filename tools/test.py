#!/usr/bin/env python
"""`hrpose test`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("test")
