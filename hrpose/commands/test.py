"""Test a checkpoint: prints metrics and scores per keypoint, writes metrics.json, predictions.json
(COCO results) and predictions.png.
"""

from __future__ import annotations

import argparse
import glob
from pathlib import Path
from typing import TYPE_CHECKING

from hrpose.commands import common
from hrpose.environment import refuse_opencv_5
from hrpose.processes.collector import collector_still

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.structures import Predictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose test`."""
    parser.epilog = "Several GPUs: torchrun --standalone --nproc-per-node GPUS -m hrpose test ..."
    common.add_config(parser)
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT",
        help="path or URL of a .pth file; 'best_*.pth' where one file is called so",
    )  # fmt: skip
    common.add_work_dir(parser, "where results go")
    common.add_labels(parser)
    parser.add_argument(
        "--out", help="file for the predictions (default: predictions.json in the work dir)"
    )
    common.add_allow_opencv_5(parser)
    common.add_cfg_options(parser, "data.val_batch_size=64 model.flip_test=False")


def run(args: argparse.Namespace) -> None:
    """Test, and draw some of the animals."""
    page = common.load_page(args, common.label_changes(args))
    refuse_opencv_5(args.allow_opencv_5)
    with collector_still(stays=True):
        from hrpose.engine.test import run_test
    from hrpose.processes import distributed

    folder = common.work_dir(args)
    report, dataset = run_test(
        page, the_one_file(args.checkpoint), folder, Path(args.out) if args.out else None
    )
    if distributed.launched().is_first:
        draw_predictions(dataset, report.predictions, folder / "predictions.png")
        print(f"picture: {folder / 'predictions.png'}")


def draw_predictions(
    dataset: PoseDataset, predictions: Predictions, path: Path, count: int = 12
) -> None:
    """Draw `count` animals, evenly spread over the data set, with ground truth and prediction."""
    import numpy as np

    from hrpose.geometry import apply_affine
    from hrpose.visualize.grid import prediction_grid

    rows = np.unique(np.linspace(0, len(predictions) - 1, count).round().astype(int))
    samples = [dataset[(0, int(predictions.index[row]))] for row in rows]
    prediction_grid(
        crops=[sample["image"] for sample in samples],
        truth_keypoints=np.stack([sample["keypoints"] for sample in samples]),
        truth_visible=np.stack([sample["visible"] for sample in samples]),
        predicted_keypoints=apply_affine(
            predictions.keypoints[rows].astype(np.float64),
            np.stack([sample["matrix"] for sample in samples])[:, None],
        ),
        scores=predictions.scores[rows],
        meta=dataset.meta,
        path=path,
    )


def the_one_file(name: str) -> str:
    """The file that a pattern names, if it is one: the shells of Windows hand patterns on."""
    if Path(name).exists():
        return name
    found = glob.glob(name)  # noqa: PTH207 - the pattern may be absolute
    return found[0] if len(found) == 1 else name
