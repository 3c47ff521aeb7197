"""Write the weights of a checkpoint to hand on: without the state of training, with the page, the
metrics and the licence inside, under a name that holds the file's digest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hrpose.commands import common
from hrpose.config.pages import find_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose publish`."""
    parser.epilog = "See docs/export.md."
    common.add_config(parser)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="path or URL of the weights")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--format", choices=("pth", "safetensors", "deeplabcut"), default="pth",
        help="deeplabcut: a snapshot for DeepLabCut 3 (default: pth)",
    )  # fmt: skip
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE",
        help="metrics.json of `hrpose test`, or the file of `hrpose evaluate --out`, for this "
        "checkpoint (default: the score of the validation, where the checkpoint holds it)",
    )  # fmt: skip
    parser.add_argument(
        "--licence", default="", metavar="TEXT", help="under which the weights may be used"
    )
    parser.add_argument(
        "--card", action="store_true", help="write a Markdown file that describes them, too"
    )
    common.add_cfg_options(parser, "codec.decoding=dark")


def run(args: argparse.Namespace) -> None:
    """Write the weights, and say what was found."""
    page = common.load_page(args)
    from hrpose.commands.test import the_one_file
    from hrpose.export.publish import PublishRequest, publish

    request = PublishRequest(
        page,
        find_page(args.config).stem,
        the_one_file(args.checkpoint),
        args.out,
        args.format,
        args.metrics,
        args.licence,
        args.card,
    )
    paths, said = publish(request)
    for line in said:
        print(line)
    for path in paths:
        common.say_written(path)
