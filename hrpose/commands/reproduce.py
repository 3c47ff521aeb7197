"""Make the results table: for each row get the published checkpoint, test it, and compare with the
published numbers. Writes results.md and results.json.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hrpose.commands import common
from hrpose.config.pages import pages_folder
from hrpose.environment import refuse_opencv_5
from hrpose.errors import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose reproduce`."""
    parser.epilog = (
        "Exit status: 0 if all rows asked for are within the tolerance, 1 if not, 2 if something "
        "is missing or wrong. A row is not done again unless an input has changed."
    )
    parser.add_argument(
        "rows", nargs="*", metavar="ROW",
        help="names of rows, or patterns such as '*macaque*' (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR",
        help="folder that holds horse10, macaque, ap10k and so on (default: data)",
    )  # fmt: skip
    parser.add_argument(
        "--work-dir", type=Path, default=Path("work_dirs/reproduce"), metavar="DIR",
        help="where results go (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=float, default=0.003,
        help="largest difference from a published number (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--train", action="store_true", help="train the rows from ImageNet weights instead"
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="with --train: how many seeds (default: 3)"
    )
    parser.add_argument(
        "--mirror", metavar="URL",
        help="take published files from URL instead of https://download.openmmlab.com "
        "(default: $HRPOSE_MIRROR)",
    )  # fmt: skip
    parser.add_argument(
        "--metafile", type=Path, metavar="FILE",
        help="the table to compare with (default: animal/hrnet/metafile.json of hrpose's pages)",
    )  # fmt: skip
    common.add_allow_opencv_5(parser)
    common.add_cfg_options(parser, "data.workers=8 data.val_batch_size=64 (on all pages)")


def run(args: argparse.Namespace) -> int:
    """Measure the rows; returns the exit status."""
    _refuse_what_does_not_fit(args)
    refuse_opencv_5(args.allow_opencv_5)
    from hrpose.reproduce import Request, reproduce

    if args.mirror:
        os.environ["HRPOSE_MIRROR"] = args.mirror
    return reproduce(
        Request(
            metafile=args.metafile or pages_folder() / "animal/hrnet/metafile.json",
            work_dir=args.work_dir,
            rows=args.rows,
            data_root=args.data_root,
            tolerance=args.tolerance,
            seeds=(args.seeds or 3) if args.train else 0,
            options=args.cfg_options,
        )
    )


def _refuse_what_does_not_fit(args: argparse.Namespace) -> None:
    if args.seeds is not None and not args.train:
        raise RunError("--seeds goes with --train")
    if args.seeds is not None and args.seeds < 1:
        raise RunError(f"--seeds {args.seeds}: expected 1 or more")
    if not args.tolerance >= 0:
        raise RunError(f"--tolerance {args.tolerance}: expected 0 or more")
