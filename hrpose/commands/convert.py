"""Make COCO files and a folder of images of the labels of another program or of a published data
set, split into training, validation and test; or bring labels back to DeepLabCut, SLEAP or plain
COCO (`hrpose convert to-sleap LABELS.json OUT.slp`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hrpose.convert.formats import BACK, FORMATS, ReadOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose convert`."""
    table = {**FORMATS, **BACK}
    width = max(map(len, table))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "formats:\n" + "\n".join(
        f"  {name:<{width}}  {one.what}" for name, one in table.items()
    )
    parser.add_argument("format", metavar="FORMAT", help="one of those below")
    parser.add_argument(
        "source", metavar="SRC", type=Path, help="file, folder or archive (.zip, .tar) to read"
    )
    parser.add_argument("out", metavar="DST", type=Path, help="folder (or file) to write")
    parser.add_argument(
        "--split", type=_shares, metavar="A/B/C",
        help="shares of train, val and test (default: the original's own parts, else .8/.1/.1); 1 "
        "makes one file of all",
    )  # fmt: skip
    parser.add_argument(
        "--by", default="video", metavar="video|image|PATTERN",
        help="what stays together: the images of a video, single images, or those whose names have "
        "the same match of a regular expression (default: video)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--copy", action="store_true", help="copy the images (default)")
    how.add_argument(
        "--link", action="store_true",
        help="give the images' files second names (hard links): no room is taken, and who changes "
        "one changes both",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the images are, if not beside the labels"
    )
    parser.add_argument(
        "--category", default="animal", metavar="NAME",
        help="what the animal is called, where the labels do not say (default: animal)",
    )  # fmt: skip
    parser.add_argument(
        "--predicted", action="store_true", help="take predictions of the program as labels, too"
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE",
        help="with to-...: COCO file that says what the ids in a list of predictions mean",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def run(args: argparse.Namespace) -> None:
    """Convert, and say what was found and written."""
    if args.format in BACK:
        from hrpose.convert.back.files import BackRequest, write_back

        written = write_back(
            BackRequest(
                args.format, args.source, args.out, args.labels, args.images, args.overwrite, _say
            )
        )
    else:
        from hrpose.convert.run import ConvertRequest, convert

        options = ReadOptions(args.images, args.category, args.predicted)
        written = convert(
            ConvertRequest(
                args.format, args.source, args.out, args.split, args.by, args.seed, args.link,
                args.overwrite, options, _say,
            )
        )  # fmt: skip
    for path in written:
        print(f"wrote {path}")


def _say(line: str) -> None:
    """Warnings go where errors go, so that they are seen beside a redirected output."""
    print(line, file=sys.stderr if line.startswith("WARNING") else sys.stdout)


def _shares(text: str) -> list[float]:
    from hrpose.convert.split import shares_of

    try:
        return shares_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected one to three shares that add up to 1, as .8/.1/.1 ({error})"
        ) from None
