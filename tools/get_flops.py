#!/usr/bin/env python
"""Count parameters, multiply-adds and activation memory of a config page's model."""

import argparse

from hrpose.errors import RunError, shown_to_user


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Count a model: parameters, multiply-adds (MAC) and activation memory, part by "
        "part. Nothing is computed, so no data, weights or GPU are needed.",
        epilog="MAC: one for each weight that goes into each output of a convolution or matrix "
        "product; biases, batch norm, ReLU, sums and resizing are not counted.",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument(
        "--shape", nargs=2, type=int, metavar=("W", "H"),
        help="width and height of the images in px (default: the page's codec.input_size)",
    )  # fmt: skip
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. model.backbone.width=48",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    if args.shape and any(side < 32 or side % 32 for side in args.shape):
        raise RunError(f"--shape {args.shape[0]} {args.shape[1]}: both must be multiples of 32")
    from hrpose import config
    from hrpose.engine.experiment import prepare
    from hrpose.models.cost import cost, table

    model = prepare(config.load(args.config, args.cfg_options)).outline()
    width, height = args.shape or model.codec.input_size
    print(f"{args.config}: {width} x {height} px (w x h), {len(model.keypoints)} keypoints, fp32\n")
    print(table(cost(model, (width, height))))


if __name__ == "__main__":
    main()
