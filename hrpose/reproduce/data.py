"""Whether the data of the asked rows are there; if not, all that is to be done, at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.engine.experiment import read_dataset
from hrpose.errors import DataError
from hrpose.reproduce.metafile import DataSource, Row

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset

Page = dict[str, Any]


def check_data(
    rows: Sequence[tuple[Row, Page]], splits: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The digests of each row's data sets `splits`, by row name and split.

    Raises:
        DataError: naming all that is missing for any of the rows, and how to get it.
        ConfigError: a page is wrong.
    """
    digests: dict[str, dict[str, str]] = {}
    wrong: dict[str, list[str]] = {}
    sources: dict[str, tuple[DataSource, Path]] = {}
    for row, page in rows:
        sources[row.data.folder] = (row.data, Path(page["data"].get("root", "")))
        for split in splits:
            try:
                dataset = read_dataset(page, split)
                problem = _missing_images(dataset)
                digests.setdefault(row.name, {})[split] = dataset.digest()
            except DataError as error:
                problem = str(error)
            if problem:
                wrong.setdefault(row.data.folder, []).append(problem)
    if wrong:
        parts = [_answer(*sources[folder], problems) for folder, problems in wrong.items()]
        head = ", ".join(sources[folder][0].name for folder in wrong)
        raise DataError("\n".join([f"not all data are there ({head}); nothing was done", *parts]))
    return digests


def _missing_images(dataset: PoseDataset) -> str:
    """A sentence on the images that are not there, '' if all are."""
    paths = _unique(dataset.record(index, 0)["image_path"] for index in range(len(dataset)))
    missing = [path for path in paths if not Path(path).is_file()]
    if not missing:
        return ""
    return f"{len(missing):,} of {len(paths):,} images are missing, the first is {missing[0]}"


def _answer(source: DataSource, root: Path, problems: Iterable[str]) -> str:
    """What is wrong with a data set and how to get it, in lines."""
    lines = [f"\n{source.name}, expected in {root}:"]
    lines += [f"  - {problem}" for problem in _unique(problems)]
    lines += ["  It is made of:"]
    for number, part in enumerate(source.downloads, start=1):
        into = root / part.into
        lines += [
            f"  {number}. {part.what}: {part.url}",
            f"     mkdir -p {into}",
            f"     {part.unpack.format(into=into)}",
        ]
    return "\n".join(lines)


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
