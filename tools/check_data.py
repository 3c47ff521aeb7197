#!/usr/bin/env python
"""`hrpose check`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("check")
