"""Choose the frames of a video that are worth labelling next, by the predictions for it: where the
network is not sure, where points jump, limbs are too long or too short, or left and right change
places. Frames that look different come first. Of each it is said why it was chosen.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hrpose.commands import common
from hrpose.config import load
from hrpose.config.pages import find_page
from hrpose.errors import say
from hrpose.labelling.output import KINDS

if TYPE_CHECKING:
    from hrpose.keypoints import KeypointMeta
    from hrpose.labelling.pictures import Picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose suggest`."""
    parser.add_argument(
        "predictions", metavar="PREDICTIONS", type=Path,
        help="table of the video, .csv or .h5, of `hrpose predict` or of DeepLabCut",
    )  # fmt: skip
    parser.add_argument("video", metavar="VIDEO", type=Path, help="the video that it is of")
    parser.add_argument(
        "--n", type=common.count, default=20, metavar="N", help="how many frames (default: 20)"
    )
    parser.add_argument(
        "--as", dest="kind", choices=KINDS, default="deeplabcut",
        help="what for: a folder labeled-data for napari-deeplabcut, a .slp for SLEAP, or a COCO "
        "file (default: deeplabcut)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--config", metavar="PAGE",
        help="config page whose skeleton and left and right are taken (default: names tell sides, "
        "limbs are pairs of points whose distance varies little)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def run(args: argparse.Namespace) -> None:
    """Choose, write and say why."""
    from hrpose.labelling.belonging import doubt_of
    from hrpose.labelling.suggest import SuggestRequest, suggest

    request = SuggestRequest(
        args.predictions,
        args.video,
        args.n,
        args.kind,
        args.out,
        _keypoints(args.config) if args.config else None,
        args.overwrite,
    )
    chosen, written = suggest(request)
    for line in table_of(chosen):
        print(line)
    for path in written:
        print(f"wrote {path}")
    if doubt := doubt_of(args.predictions, args.video):
        say(f"warning: {doubt}")


def table_of(chosen: list[Picture]) -> list[str]:
    """Frame, time in seconds and reason of each, below a header."""
    lines = [f"{'frame':>8} {'time':>10}  why"]
    for picture in chosen:
        time = "-" if picture.seconds is None else f"{picture.seconds:.2f} s"
        lines.append(f"{picture.candidate.number:>8} {time:>10}  {picture.candidate.why}")
    return lines


def _keypoints(page: str) -> KeypointMeta:
    import hrpose.keypoints  # noqa: F401  (makes the name known to pages)
    from hrpose.config.registry import build

    return build(load(find_page(page))["keypoints"], "keypoints")
