#!/usr/bin/env python
"""`hrpose reproduce`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("reproduce")
