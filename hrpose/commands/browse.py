"""Draw some samples of a data set as annotated and in a mirror, with the names of their keypoints;
with --transformed also as the network gets them, after augmentation, and with --heatmaps with the
targets of training. A wrong flip pair shows in the mirror: a point does not change its colour.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hrpose.commands import common

if TYPE_CHECKING:
    from hrpose.browse.browse import Look

KINDS = (".html", ".png", ".jpg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose browse`."""
    common.add_config(parser)
    parser.add_argument(
        "--out", type=common.new_file(*KINDS), required=True, metavar="FILE",
        help="what to write: one HTML page with all inside (.html), or a picture (.png, .jpg)",
    )  # fmt: skip
    parser.add_argument(
        "--split", choices=("train", "val", "test"), default="train",
        help="data set of the page (default: train)",
    )  # fmt: skip
    parser.add_argument(
        "--n", type=common.count, default=24, metavar="N", help="how many animals (default: 24)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which of them are drawn (default: 0)")
    parser.add_argument(
        "--ids", nargs="+", default=[], metavar="ID",
        help="these instead: ids of annotations, or file names of images",
    )  # fmt: skip
    parser.add_argument(
        "--transformed", action="store_true",
        help="also as the network gets them; of train as in the first two epochs",
    )  # fmt: skip
    parser.add_argument(
        "--heatmaps", action="store_true",
        help="also the targets of training, on what the network gets",
    )  # fmt: skip
    common.add_cfg_options(parser, "data.root=/data/horses")


def run(args: argparse.Namespace) -> None:
    """Draw and write."""
    from hrpose.browse.browse import BrowseRequest, look

    request = BrowseRequest(
        common.load_page(args),
        args.split,
        args.n,
        args.seed,
        tuple(args.ids),
        args.transformed,
        args.heatmaps,
    )
    common.write_file(args.out, _drawn(look(request), args.out))


def _drawn(found: Look, out: Path) -> bytes:
    """The file's content, of the kind that its name says."""
    if out.suffix.lower() == ".html":
        from hrpose.browse.page import page_of

        return page_of(found).encode()
    from hrpose.browse.sheet import sheet_of
    from hrpose.visualize.encode import encoded

    return encoded(sheet_of(found), out.suffix.lower())
