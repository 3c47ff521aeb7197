"""Count a model: parameters, multiply-adds (MAC) and activation memory, part by part. Nothing is
computed, so no data, weights or GPU are needed.
"""

from __future__ import annotations

import argparse

from hrpose.commands import common
from hrpose.errors import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose flops`."""
    parser.epilog = (
        "MAC: one for each weight that goes into each output of a convolution or matrix product; "
        "biases, batch norm, ReLU, sums and resizing are not counted."
    )
    common.add_config(parser)
    parser.add_argument(
        "--shape", nargs=2, type=int, metavar=("W", "H"),
        help="width and height of the images in px (default: the page's codec.input_size)",
    )  # fmt: skip
    common.add_cfg_options(parser, "model.backbone.width=48")


def run(args: argparse.Namespace) -> None:
    """Print the table."""
    if args.shape and any(side < 32 or side % 32 for side in args.shape):
        raise RunError(f"--shape {args.shape[0]} {args.shape[1]}: both must be multiples of 32")
    page = common.load_page(args)
    from hrpose.engine.experiment import prepare
    from hrpose.models.cost import cost, table

    model = prepare(page).outline()
    width, height = args.shape or model.codec.input_size
    print(f"{args.config}: {width} x {height} px (w x h), {len(model.keypoints)} keypoints, fp32\n")
    print(table(cost(model, (width, height))))
