"""Write a config page for annotations of one's own: keypoints, flip pairs and sigmas as they are
found in the files, sizes and schedule as they suit them. It is checked before it is left there.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from hrpose.errors import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose init`."""
    parser.epilog = "Then: hrpose check NAME.py, hrpose train NAME.py. See docs/your_own_data.md."
    parser.add_argument(
        "annotations", nargs="+", type=Path, metavar="ANNOTATIONS",
        help="COCO keypoint files to train on, validate and test with: told by 'train', 'val' and "
        "'test' in their names, else by their order; one alone is enough",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR",
        help="folder that the file names start from, or that has a folder for each part",
    )  # fmt: skip
    parser.add_argument("--name", required=True, help="name of the page and its run directory")
    parser.add_argument("--category", help="category to use, where they have different keypoints")
    parser.add_argument(
        "--size", choices=("w32", "w48"), help="of HRNet (default: w32, or as --from is)"
    )
    parser.add_argument(
        "--input", type=_size, metavar="WxH", help="input in px (default: as suits the animals)"
    )
    parser.add_argument(
        "--whole-frame", action="store_true",
        help="crop the whole frame, not the animal's box: for one animal a frame, and no detector",
    )  # fmt: skip
    parser.add_argument(
        "--norm", nargs=2, metavar=("A", "B"),
        help="two keypoints whose distance errors are divided by (default: the box)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, metavar="M",
        help="fit the training into M minutes on this machine; ten steps are timed",
    )  # fmt: skip
    parser.add_argument(
        "--from", nargs="+", dest="start", default=[], metavar=("PAGE", "CKPT"),
        help="start from a trained model with other keypoints: its page and checkpoint, or the "
        "checkpoint alone where it carries its page; the page lists which keypoints are the same",
    )  # fmt: skip
    parser.add_argument("--no-flip", action="store_true", help="without mirrored images")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: NAME.py)")
    parser.add_argument("--overwrite", action="store_true", help="replace a page that is there")


def run(args: argparse.Namespace) -> None:
    """Write the page, and say what was found and chosen."""
    if len(args.start) > 2:
        raise RunError(
            f"--from: got {len(args.start)} words, expected PAGE CKPT or CKPT; put it behind the "
            "annotation files"
        )
    if args.minutes is not None and not 0 < args.minutes < 1e6:
        raise RunError(f"--minutes {args.minutes:g}: expected more than 0")
    from hrpose.own_page.init import InitRequest, init
    from hrpose.own_page.said import lines_of

    request = InitRequest(
        args.annotations,
        args.images,
        args.name,
        args.out or Path(f"{args.name}.py"),
        int(args.size[1:]) if args.size else None,
        args.input,
        args.whole_frame,
        args.minutes,
        args.start,
        tuple(args.norm) if args.norm else None,
        args.category,
        not args.no_flip,
        args.overwrite,
    )
    content, sides, faults = init(request, _bar)
    for line in lines_of(content, sides):
        print(line)
    for fault in faults:
        print(f"training will refuse: {fault}")
    following = "hrpose check" if faults else "hrpose train"
    print(f"wrote {request.out}; next: {following} {request.out}")


def _bar(items: Iterator, total: int, title: str) -> Iterator:
    from tqdm import tqdm

    yield from tqdm(items, title, total, leave=False, disable=None)


def _size(text: str) -> tuple[int, int]:
    """Width and height in px of '256x192'; one number is both."""
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    size = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not found or min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise argparse.ArgumentTypeError(f"'{text}': expected WxH px, multiples of 32, as 256x192")
    return size
