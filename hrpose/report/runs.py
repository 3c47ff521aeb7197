"""What RUN on the command line means: predictions for a test set, and what they were made by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrpose.config import Page, load
from hrpose.config.overrides import put_in
from hrpose.config.pages import find_page
from hrpose.engine.test import run_test
from hrpose.environment import refuse_opencv_5
from hrpose.errors import ConfigError, DataError, RunError
from hrpose.rundir.checkpoints import LATEST
from hrpose.storage.json_file import read_json

PREDICTIONS, NUMBERS, PAGE = "predictions.json", "metrics.json", "config.py"
_BEST = re.compile(r"best_.+_epoch_(\d+)\.pth")


@dataclass(frozen=True)
class Run:
    """Predictions and their page.

    Args:
        name: what the run is called in the report, unlike the others.
        folder: where its files are.
        made_from: the provenance of metrics.json, empty where there is none.
        numbers: the metrics of metrics.json.
        notes: what a reader must know of where the predictions come from.
    """

    name: str
    folder: Path
    page: Page
    predictions: Path
    made_from: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_runs(
    places: Sequence[Path],
    config: str | None,
    cfg_options: Sequence[str],
    allow_opencv_5: bool = False,
) -> list[Run]:
    """The runs in `places`: folders of `hrpose train` or `hrpose test`, or files of predictions.

    A folder without predictions is tested first, its best checkpoint or else its latest one.

    Args:
        config: the page of places that have none.
        cfg_options: changes of every page.

    Raises:
        RunError, DataError, ConfigError: a place is no run; names it.
    """
    twice = [place for place in places if list(places).count(place) > 1]
    if twice:
        raise RunError(f"{twice[0]} is named twice")
    names = _names(places)
    pages = [_page_of(place, config, cfg_options) for place in places]
    for place, page in zip(places, pages, strict=True):  # before any of them is tested
        _require_predictions_or_checkpoint(place)
        if not isinstance(page.get("data", {}).get("test"), dict):
            raise RunError(f"{place}: data.test: the page does not say it, and it is reported on")
    for place, page in zip(places, pages, strict=True):
        if place.is_dir() and not (place / PREDICTIONS).is_file():
            refuse_opencv_5(allow_opencv_5)
            run_test(page, str(checkpoint_of(place)), place)
    return [_run(name, place, page) for name, place, page in zip(names, places, pages, strict=True)]


def checkpoint_of(folder: Path) -> Path | None:
    """The best checkpoint of a run directory, else its latest one; None where there is none."""
    best = {int(m[1]): path for path in folder.glob("*.pth") if (m := _BEST.fullmatch(path.name))}
    if best:
        return best[max(best)]
    latest = folder / LATEST
    return latest if latest.is_file() else None


def _names(places: Sequence[Path]) -> list[str]:
    """The last part of each path; more of it where two would be the same."""
    whole = [place.absolute() for place in places]
    whole = [path.parent if path.name == PREDICTIONS else path for path in whole]
    for parts in range(1, max(len(path.parts) for path in whole) + 1):
        names = ["/".join(path.parts[-parts:]).removesuffix(".json") for path in whole]
        if len(set(names)) == len(names):
            return names
    return [str(place) for place in places]


def _page_of(place: Path, config: str | None, cfg_options: Sequence[str]) -> Page:
    """config.py in the folder, else the page that metrics.json has, else `config`."""
    folder = place if place.is_dir() else place.parent
    if not place.exists():
        raise RunError(f"{place}: there is no such run directory or file of predictions")
    if (folder / PAGE).is_file():
        return load(folder / PAGE, cfg_options)
    page = _made_from(folder)[0].get("config")
    if isinstance(page, dict) and "data" in page:
        return _changed(page, cfg_options, folder / NUMBERS)
    if config is not None:
        return load(find_page(config), cfg_options)
    raise RunError(
        f"{place}: neither {PAGE} nor the page in {NUMBERS} is there to tell what was predicted; "
        "give --config PAGE"
    )


def _changed(page: Page, cfg_options: Sequence[str], source: Path) -> Page:
    problems: list[str] = []
    for option in cfg_options:
        page = put_in(page, option, problems)
    if problems:
        raise ConfigError(problems, str(source))
    return page


def _require_predictions_or_checkpoint(place: Path) -> None:
    if place.is_dir() and not (place / PREDICTIONS).is_file() and checkpoint_of(place) is None:
        raise RunError(
            f"{place}: holds neither {PREDICTIONS} nor a checkpoint (best_*.pth, {LATEST}); "
            "expected the folder of a training or a test, or a file of predictions"
        )


def _run(name: str, place: Path, page: Page) -> Run:
    folder = place if place.is_dir() else place.parent
    predictions = place / PREDICTIONS if place.is_dir() else place
    made_from, numbers = _made_from(folder) if predictions.name == PREDICTIONS else ({}, {})
    notes = []
    tested, best = str(made_from.get("checkpoint", "")), checkpoint_of(folder)
    if tested and best is not None and Path(tested).name != best.name:
        notes.append(
            f"the predictions are of {Path(tested).name}, and {best.name} is the checkpoint that "
            f"would be tested now (remove {predictions} to have it tested)"
        )
    return Run(name, folder, page, predictions, made_from, numbers, notes)


def _made_from(folder: Path) -> tuple[dict[str, Any], dict[str, float | None]]:
    """Provenance and metrics of a folder's metrics.json; empty where there is none."""
    path = folder / NUMBERS
    if not path.is_file():
        return {}, {}
    content, _ = read_json(path, "metrics")
    made_from = content.get("provenance") if isinstance(content, dict) else None
    if not isinstance(made_from, dict) or not isinstance(content.get("metrics"), dict):
        raise DataError(f"{path}: not the numbers of `hrpose test`; remove it or test again")
    return made_from, content["metrics"]
