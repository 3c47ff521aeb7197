#!/usr/bin/env python
"""`hrpose config`."""

from hrpose.cli import main

if __name__ == "__main__":
    main("config")
