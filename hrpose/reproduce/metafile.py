"""The metafile: the rows of the results table, what was published of each, where the data are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from hrpose.config.typecheck import did_you_mean
from hrpose.errors import RunError


@dataclass(frozen=True)
class Download:
    """A part of a data set that people must fetch themselves."""

    what: str
    url: str
    into: str
    """The folder it belongs in, below that of the data set."""
    unpack: str
    """What to do with it then; '{into}' stands for that folder."""


@dataclass(frozen=True)
class DataSource:
    """A data set: its folder below the data root, its name in text, where it comes from."""

    folder: str
    name: str
    downloads: tuple[Download, ...]


@dataclass(frozen=True)
class Row:
    """A row of the table; its name is that of the page."""

    page: Path
    data: DataSource
    paper: dict[str, float]
    """The published value of each metric that is compared."""
    checkpoint: str
    log: str

    @property
    def name(self) -> str:
        """The page's file name without its ending."""
        return self.page.stem


def read_metafile(path: Path) -> list[Row]:
    """The rows of the metafile `path`, in its order; its pages are paths that start from it.

    Raises:
        RunError: the file is missing or is not made as it should be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sources = {
            folder: DataSource(
                folder, entry["name"], tuple(Download(**part) for part in entry["downloads"])
            )
            for folder, entry in content["datasets"].items()
        }
        rows = [_row(entry, sources, path.parent) for entry in content["rows"]]
    except OSError as error:
        raise RunError(f"{path}: no metafile can be read there: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: not a metafile: {error}") from error
    except KeyError as error:
        raise RunError(f"{path}: not a metafile: {error} is missing or unknown") from error
    names = [row.name for row in rows]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RunError(f"{path}: two rows are called {twice[0]}")
    return rows


def _row(entry: dict[str, Any], sources: dict[str, DataSource], folder: Path) -> Row:
    return Row(
        page=folder / entry["page"],
        data=sources[entry["dataset"]],
        paper={name: float(value) for name, value in entry["paper"].items()},
        checkpoint=entry["checkpoint"],
        log=entry["log"],
    )


def choose(rows: Sequence[Row], wanted: Sequence[str]) -> list[Row]:
    """The rows that the names or patterns `wanted` name, such as '*macaque*'; none means all.

    Raises:
        RunError: a name or pattern names no row.
    """
    names = [row.name for row in rows]
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in names):
            hint = did_you_mean(pattern, names)
            listed = "".join(f"\n  {name}" for name in names)
            raise RunError(f"no row is called '{pattern}'{hint}; there are{listed}")
    if not wanted:
        return list(rows)
    return [row for row in rows if any(fnmatchcase(row.name, pattern) for pattern in wanted)]
