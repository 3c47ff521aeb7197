"""Write a trained model as one ONNX file that needs neither page nor torch: crops in, keypoints
out, flip test and decoding included. It is compared with torch before it is left there.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from hrpose.commands import common
from hrpose.config.pages import find_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose export`."""
    parser.epilog = "Then: hrpose predict M.onnx INPUT... --out DIR. See docs/export.md."
    common.add_config(parser)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="path or URL of the weights")
    parser.add_argument(
        "--out", type=common.new_file(".onnx"), required=True, metavar="M.onnx", help="the file"
    )
    parser.add_argument(
        "--no-flip", action="store_true", help="without the mirror image: twice as fast"
    )
    parser.add_argument(
        "--check", type=Path, metavar="DIR",
        help="folder of images to compare with torch on (default: drawn animals)",
    )  # fmt: skip
    parser.add_argument(
        "--int8", action="store_true",
        help="convolutions in int8, calibrated on animals of data.train and checked on those of "
        "data.val, or on the images of --check; on half of these each where data.train cannot be "
        "read",
    )  # fmt: skip
    parser.add_argument(
        "--int8-limit", type=_px, default=0.5, metavar="PX",
        help="how far --int8 may move 95%% of the points, in px of the crop (default: 0.5)",
    )  # fmt: skip
    common.add_cfg_options(parser, "codec.decoding=dark")


def run(args: argparse.Namespace) -> None:
    """Write the file, and say how near to torch it is."""
    page = common.load_page(args)
    from hrpose.commands.test import the_one_file
    from hrpose.export.onnx_file import ExportRequest, export

    request = ExportRequest(
        page,
        find_page(args.config).stem,
        the_one_file(args.checkpoint),
        args.out,
        False if args.no_flip else None,
        args.check,
        args.int8,
        args.int8_limit,
    )
    for line in export(request):
        print(line)
    common.say_written(args.out)


def _px(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}': expected px from 0, such as 0.5")
    return value
