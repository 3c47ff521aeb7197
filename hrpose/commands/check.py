"""Look at a config page as training does, and at its annotations and images. What is wrong is
named, all of it, with the annotation; exit status 1 if there is anything.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from hrpose.commands import common
from hrpose.config import Page
from hrpose.errors import ConfigError, HrposeError

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset

SPLITS = ("train", "val", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose check`."""
    parser.epilog = (
        "Images that were found good are remembered until they change "
        "($HRPOSE_CACHE, or ~/.cache/hrpose)."
    )
    common.add_config(parser)
    parser.add_argument(
        "--full", action="store_true", help="decode every image, not only its header"
    )
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=SPLITS, metavar="SPLIT",
        help="data sets of the page to look at: train val test (default: all)",
    )  # fmt: skip
    common.add_cfg_options(parser, "data.root=/data/horses")


def run(args: argparse.Namespace) -> int:
    """Say what is wrong with the page, then with each data set; returns the exit status."""
    page = common.load_page(args)
    problems = _page_problems(page)
    for problem in problems:
        print(f"page: {problem}")
    faults = len(problems)
    for split in args.splits:
        try:
            dataset = _read(page, split)
        except HrposeError as error:
            known = isinstance(error, ConfigError) and set(error.problems) <= set(problems)
            faults += not known
            what = "not looked at, for what is wrong with the page" if known else ""
            print(f"{split}: {what or f'{type(error).__name__}: {error}'}\n")
        else:
            faults += _look_at_images(split, dataset, args.full)
            if split == "train" and not problems:
                faults += _look_at_batches(page, dataset)
    print(f"{faults} fault{'s' * (faults > 1)}" if faults else "no fault")
    return int(faults > 0)


def _page_problems(page: Page) -> list[str]:
    """Why training would refuse the page; empty if it would not."""
    from hrpose.engine.experiment import prepare

    try:
        prepare(page)
    except ConfigError as error:
        return error.problems
    return []


def _read(page: Page, split: str) -> PoseDataset:
    """A data set of the page, also of a page whose model or metrics are wrong.

    Raises:
        HrposeError: it cannot be read, or the page does not say what it is.
    """
    from hrpose.engine.experiment import read_dataset

    pipeline = "train_pipeline" if split == "train" else "test_pipeline"
    said = {
        "keypoints": page.get("keypoints"),
        pipeline: page.get(pipeline),
        f"data.{split}": page.get("data", {}).get(split),
    }
    missing = [name for name, value in said.items() if not isinstance(value, dict | list)]
    if missing:
        raise ConfigError([f"{name}: the page does not say it" for name in missing])
    return read_dataset(page, split)


def _look_at_batches(page: Page, train: PoseDataset) -> int:
    """Print what training, on one process, would refuse of batches of `train`; how much that is."""
    import torch

    from hrpose.engine.experiment import prepare
    from hrpose.engine.guards.start import require_statistics
    from hrpose.engine.loading import loader

    experiment = prepare(page)
    try:
        require_statistics(experiment, loader(experiment, train, True, torch.device("cpu")))
    except ConfigError as error:
        for problem in error.problems:
            print(f"page: {problem}\n")
        return len(error.problems)
    return 0


def _look_at_images(split: str, dataset: PoseDataset, full: bool) -> int:
    """Print what there is and what is wrong with it; returns how many images are."""
    from tqdm import tqdm

    from hrpose.datasets.preflight.look import look_through

    bar = partial(tqdm, leave=False, disable=None)
    checked = look_through(dataset, full, lambda items, n, title: bar(items, title, n))
    print(f"{split}: {dataset.summary()}\n{checked.summary()}\n")
    return len(checked.problems)
