"""Test a checkpoint: prints metrics and scores per keypoint, writes metrics.json, predictions.json
(COCO results) and predictions.png.
"""

from __future__ import annotations

import argparse
import glob
import os
from pathlib import Path

from hrpose.commands import common
from hrpose.environment import refuse_opencv_5


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
    from hrpose.engine.test import run_test
    from hrpose.report import draw_predictions

    folder = common.work_dir(args)
    report, dataset = run_test(
        page, the_one_file(args.checkpoint), folder, Path(args.out) if args.out else None
    )
    if int(os.environ.get("RANK", 0)) == 0:
        draw_predictions(dataset, report.predictions, folder / "predictions.png")
        print(f"picture: {folder / 'predictions.png'}")


def the_one_file(name: str) -> str:
    """The file that a pattern names, if it is one: the shells of Windows hand patterns on."""
    if Path(name).exists():
        return name
    found = glob.glob(name)  # noqa: PTH207 - the pattern may be absolute
    return found[0] if len(found) == 1 else name
