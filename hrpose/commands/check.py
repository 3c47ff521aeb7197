"""Look at a config page as training does, and at its annotations and images. What is wrong is
named, all of it, with the annotation; exit status 1 if there is anything.
"""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from hrpose.commands import common
from hrpose.config import Page
from hrpose.config.pages import find_page
from hrpose.datasets.faults.fault import Fault, in_lines
from hrpose.errors import ConfigError, HrposeError

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.datasets.preflight.look import Look
    from hrpose.engine.experiment import Experiment
    from hrpose.metrics import Metric

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
    parser.add_argument(
        "--html", type=common.new_file(".html"), metavar="FILE",
        help="also write an HTML page of it, with pictures of the 50 worst animals",
    )  # fmt: skip
    common.add_cfg_options(parser, "data.root=/data/horses")


def run(args: argparse.Namespace) -> int:
    """Say what is wrong with the page, then with each data set; returns the exit status."""
    from hrpose.browse.faults import Looked, faults_page
    from hrpose.datasets.faults.sides import swapped_sides
    from hrpose.datasets.faults.splits import same_pictures, shared_files

    page = common.load_page(args)
    experiment, problems = _prepared(page)
    for problem in problems:
        print(f"page: {problem}")
    errors, looked = len(problems), []
    for split in args.splits:
        try:
            dataset = _read(page, split)
        except HrposeError as error:
            known = isinstance(error, ConfigError) and set(error.problems) <= set(problems)
            errors += not known
            what = "not looked at, for what is wrong with the page" if known else ""
            looked.append(Looked(split, refusal=what or f"{type(error).__name__}: {error}"))
            print(f"{split}: {looked[-1].refusal}\n")
        else:
            look = _look_at_images(split, dataset, args.full)
            errors += len(look.problems)
            faults = [*dataset.faults, *swapped_sides(dataset), *look.faults]
            if experiment is not None and split == "train":
                errors += _look_at_batches(experiment, dataset)
            elif experiment is not None:
                faults += _odd_lengths(dataset, experiment.metrics)
            faults = _say(f"{split}: ", faults)
            looked.append(Looked(split, dataset, faults, unreadable=list(map(str, look.problems))))
    datasets = {each.split: each.dataset for each in looked if each.dataset is not None}
    owners = {each.dataset.source: each for each in looked if each.dataset is not None}
    for fault in _say("", [*shared_files(datasets), *same_pictures(datasets, args.full)]):
        owners[fault.file].faults.append(fault)
    if args.html is not None:
        text = faults_page(find_page(args.config).stem, problems, looked)
        common.write_file(args.html, text.encode())
    counts = Counter(fault.severity for each in looked for fault in each.faults)
    errors += counts["error"]
    if counts["warning"]:
        print(f"{counts['warning']} warning{'s' * (counts['warning'] > 1)}: may be right; look")
    print(f"{errors} fault{'s' * (errors > 1)}" if errors else "no fault")
    return int(errors > 0)


def _say(before: str, faults: list[Fault]) -> list[Fault]:
    """Print `faults`, each in full; returns them."""
    for text in in_lines(faults):
        print(f"{before}{text}\n")
    return faults


def _prepared(page: Page) -> tuple[Experiment | None, list[str]]:
    """The page as objects; or None, and why training would refuse it."""
    from hrpose.engine.experiment import prepare

    try:
        return prepare(page), []
    except ConfigError as error:
        return None, error.problems


def _odd_lengths(dataset: PoseDataset, metrics: list[Metric]) -> list[Fault]:
    """What `metrics` divide by, where animals do not have it."""
    from hrpose.datasets.faults.kinds import fault
    from hrpose.metrics.distance import DistanceMetric

    return [
        fault("norm", f"{metric.names[0]}: {note}", dataset.source)
        for metric in metrics
        if isinstance(metric, DistanceMetric)
        for note in metric.label_notes(dataset.labels())
    ]


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


def _look_at_batches(experiment: Experiment, train: PoseDataset) -> int:
    """Print what training, on one process, would refuse of batches of `train`; how much that is."""
    import torch

    from hrpose.engine.guards.start import require_statistics
    from hrpose.engine.loading import loader

    try:
        require_statistics(experiment, loader(experiment, train, True, torch.device("cpu")))
    except ConfigError as error:
        for problem in error.problems:
            print(f"page: {problem}\n")
        return len(error.problems)
    return 0


def _look_at_images(split: str, dataset: PoseDataset, full: bool) -> Look:
    """Print what there is and which images cannot be used."""
    from tqdm import tqdm

    from hrpose.datasets.preflight.look import look_through

    bar = partial(tqdm, leave=False, disable=None)
    look = look_through(dataset, full, lambda items, n, title: bar(items, title, n))
    print(f"{split}: {dataset.about()}\n{look.about()}\n")
    return look
