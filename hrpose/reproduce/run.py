"""The table in one go: data, checkpoints, tests, comparison, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrpose import config
from hrpose.config.registry import build
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError, HrposeError, RunError
from hrpose.processes import distributed
from hrpose.reproduce.compare import compare_row, console_table
from hrpose.reproduce.data import check_data
from hrpose.reproduce.measure import measure_published, measure_trained
from hrpose.reproduce.metafile import Row, choose, read_metafile
from hrpose.reproduce.results import read_table, write_table

Page = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Args:
        rows: names or patterns of rows; none means all.
        data_root: folder of the data sets' folders; None leaves it to the pages.
        seeds: train each row with so many seeds; 0 tests the published checkpoints.
        options: changes of all pages, as KEY=VALUE.
    """

    metafile: Path
    work_dir: Path
    rows: Sequence[str] = ()
    data_root: Path | None = None
    tolerance: float = 0.003
    seeds: int = 0
    options: Sequence[str] = ()


def reproduce(request: Request) -> int:
    """Measure the rows that are asked for; prints and writes how they compare.

    Returns: 0 if all of them are within the tolerance, 1 if not, 2 if some could not be measured.

    Raises:
        HrposeError: before anything is downloaded: a row, a page or data are not there or wrong.
    """
    if distributed.launched().world_size > 1:
        raise RunError("reproduce runs as one process; it cannot be started by torchrun")
    table = read_metafile(request.metafile)
    pages = [(row, _page(row, request)) for row in choose(table, request.rows)]
    _check_pages(pages)
    splits = ("train", "val", "test") if request.seeds else ("test",)
    digests = check_data(pages, splits)
    results = read_table(request.work_dir)
    kind = "trained" if request.seeds else "published"
    verdicts: dict[str, bool] = {}
    for row, page in pages:
        records = results.setdefault(row.name, {})
        before, folder = records.get(kind), request.work_dir / row.name
        try:
            records[kind] = (
                measure_trained(row, page, digests[row.name], folder, request.seeds, before)
                if request.seeds
                else measure_published(row, page, digests[row.name]["test"], folder, before)
            )
        except ConfigError:  # the same on every page
            raise
        except HrposeError as error:
            print(f"{row.name}: {type(error).__name__}: {error}", flush=True)
            if records.pop(kind, None):  # measured before, but of other inputs
                write_table(request.work_dir, table, results, request.tolerance)
            continue
        compared = compare_row(row.paper, records[kind], request.tolerance)
        print(f"{row.name} and the table:\n{console_table(compared, bool(request.seeds))}")
        verdicts[row.name] = all(each.within for each in compared)
        write_table(request.work_dir, table, results, request.tolerance)
    return _verdict(request, [row.name for row, _ in pages], verdicts)


def _check_pages(pages: Sequence[tuple[Row, Page]]) -> None:
    """ConfigError or RunError where a page is wrong, before any data is read."""
    firsts = {row.data.folder: page for row, page in reversed(pages)}
    for page in firsts.values():  # the others of a data set have the same options, and are slow
        prepare(page)
    for row, page in pages:
        names = [name for metric in build(page["metrics"], "metrics") for name in metric.names]
        absent = [name for name in row.paper if name not in names]
        if absent:
            raise RunError(
                f"{row.name}: the metafile has a value of '{absent[0]}', which the page does not "
                f"measure; it gives {', '.join(names)}"
            )


def _verdict(request: Request, asked: Sequence[str], verdicts: dict[str, bool]) -> int:
    """The last words, and the exit status."""
    failed = [name for name in asked if name not in verdicts]
    good = sum(verdicts.values())
    print(f"\n{good} of {len(asked)} rows are within {request.tolerance:g} of the table", end="")
    print(f"; not measured: {', '.join(failed)}" if failed else "")
    if verdicts:
        print(f"results.md and results.json are in {request.work_dir}")
    return 2 if failed else 0 if good == len(asked) else 1


def _page(row: Row, request: Request) -> Page:
    """The row's page with the changes that are asked for."""
    changes = []
    if request.data_root is not None:
        changes.append(f"data.root={str(request.data_root / row.data.folder)!r}")
    page = config.load(row.page, [*changes, *request.options])
    if request.seeds:
        # the recipe assumes 8 GPUs: one reaches the same batch with several backward passes
        wanted, batch = page["runner"].get("base_batch_size"), page["data"].get("batch_size", 1)
        changes.append(f"runner.accumulate={max(1, (wanted or batch) // batch)}")
        page = config.load(row.page, [*changes, *request.options])
    return page
