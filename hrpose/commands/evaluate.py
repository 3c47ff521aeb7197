"""Score a COCO results file (ours, MMPose's result_keypoints.json, others): metrics with 95%
intervals over images, and scores per keypoint. Reads no image and no checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hrpose.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose evaluate`."""
    parser.epilog = "Entries are matched by annotation_id, else by image_id."
    common.add_config(parser)
    parser.add_argument("predictions", metavar="PREDICTIONS", type=Path, help="COCO results, .json")
    common.add_labels(parser)
    parser.add_argument(
        "--out", type=Path, help="file for the numbers, as metrics.json of `hrpose test`"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="OTHER",
        help="second results file: PREDICTIONS minus OTHER, with a paired bootstrap test",
    )  # fmt: skip
    parser.add_argument(
        "--nms", action="store_true",
        help="suppress duplicates before AP as the page says (default: the file as it is)",
    )  # fmt: skip
    parser.add_argument(
        "--images", metavar="LIST",
        help="score only these images: file names, one a line, or FILE.csv:COLUMN",
    )  # fmt: skip
    parser.add_argument(
        "--allow-missing", action="store_true",
        help="leave out animals that have no prediction instead of stopping",
    )  # fmt: skip
    parser.add_argument("--resamples", type=int, default=1000, help="of the intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    common.add_cfg_options(parser, "metrics.0.thr=0.1 data.root=/data/horse10")


def run(args: argparse.Namespace) -> None:
    """Score the file, or compare it with another."""
    page = common.load_page(args, common.label_changes(args))
    from hrpose.engine.scoring import Settings, run_scoring

    settings = Settings(args.nms, args.images, args.allow_missing, args.resamples, args.seed)
    run_scoring(page, args.predictions, settings, args.out, args.compare)
