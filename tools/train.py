#!/usr/bin/env python
"""`hrpose train`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("train")
