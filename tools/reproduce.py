#!/usr/bin/env python
"""Make the results table: test the published checkpoints, or train the rows, and compare."""

import argparse
import os
import sys
from pathlib import Path

from hrpose.errors import shown_to_user

METAFILE = Path(__file__).resolve().parent.parent / "configs/animal/hrnet/metafile.json"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make the results table: for each row get the published checkpoint, test it, "
        "and compare with the published numbers. Writes results.md and results.json.",
        epilog="Exit status: 0 if all rows asked for are within the tolerance, 1 if not, 2 if "
        "something is missing or wrong. A row is not done again unless an input has changed.",
    )
    parser.add_argument(
        "rows", nargs="*", metavar="ROW",
        help="names of rows, or patterns such as '*macaque*' (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR",
        help="folder that holds horse10, macaque and atrw (default: data)",
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
        "--metafile", type=Path, default=METAFILE, metavar="FILE",
        help="the table to compare with (default: configs/animal/hrnet/metafile.json)",
    )  # fmt: skip
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on all pages, e.g. data.workers=8 data.val_batch_size=64",
    )  # fmt: skip
    args = parser.parse_args()
    if args.seeds is not None and not args.train:
        parser.error("--seeds goes with --train")
    if args.seeds is not None and args.seeds < 1:
        parser.error(f"--seeds {args.seeds}: expected 1 or more")
    if not args.tolerance >= 0:
        parser.error(f"--tolerance {args.tolerance}: expected 0 or more")
    return args


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose.reproduce import Request, reproduce

    if args.mirror:
        os.environ["HRPOSE_MIRROR"] = args.mirror
    seeds = (args.seeds or 3) if args.train else 0
    status = reproduce(
        Request(
            metafile=args.metafile,
            work_dir=args.work_dir,
            rows=args.rows,
            data_root=args.data_root,
            tolerance=args.tolerance,
            seeds=seeds,
            options=args.cfg_options,
        )
    )
    sys.exit(status)


if __name__ == "__main__":
    main()
