"""Write a page of hrpose that trains as a config page of MMPose (0.x or 1.x) does, for HRNet with a
heatmap head. The page is read as data: nothing in it is run. What is lost is listed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hrpose.errors import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose convert-config`."""
    parser.epilog = "Then: hrpose check PAGE, hrpose train PAGE. See docs/convert_config.md."
    parser.add_argument(
        "file", type=Path, metavar="FILE",
        help="MMPose's page, with its _base_ pages where it says they are, if they are to be had",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="PAGE", help="the page to write (default: print it)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a page that is there")


def run(args: argparse.Namespace) -> None:
    """Convert, and say what was lost and where the data should be."""
    if args.out is not None and args.out.suffix != ".py":
        raise RunError(f"--out {args.out}: a page is a .py file")
    if args.out is not None and args.out.exists() and not args.overwrite:
        raise RunError(f"{args.out} is there already; give --overwrite to replace it")
    from hrpose.own_page.from_mmpose.convert import convert_config, look_at_data
    from hrpose.storage.whole_file import write_whole

    page = convert_config(args.file)
    if args.out is None:
        print(page.text, end="")
        told = sys.stderr
    else:
        told = sys.stdout
    if page.notes:
        print("could not be carried over as it stands there:", file=told)
    for note in page.notes:
        print(f"  - {note}", file=told)
    if args.out is None:
        return
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(args.out, page.text)
    except OSError as error:
        raise RunError(f"{args.out}: cannot be written: {error.strerror}") from error
    for line in look_at_data(args.out, _bar):
        print(line)
    print(f"wrote {args.out}, made of {page.origin}; next: hrpose check {args.out}")


def _bar(items: Iterator, total: int, title: str) -> Iterator:
    from tqdm import tqdm

    yield from tqdm(items, title, total, leave=False, disable=None)
