#!/usr/bin/env python
"""`hrpose evaluate`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("evaluate")
