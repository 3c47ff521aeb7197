"""Write a trained model as one ONNX file that needs neither page nor torch: crops in, keypoints
out, flip test and decoding included. It is compared with torch before it is left there.
"""

from __future__ import annotations

import argparse
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
    )
    for line in export(request):
        print(line)
    common.say_written(args.out)
