"""Config pages: read them, build what they name, write them out."""

from hrpose.config.page import NAMES, Page, as_python, dump, load, read

__all__ = ["NAMES", "Page", "as_python", "dump", "load", "read"]
