"""Print a config page as a run sees it: bases merged, options applied, references resolved. The
output is a config page itself, which needs no other.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hrpose.commands import common
from hrpose.config import as_python, dump
from hrpose.errors import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose config`."""
    parser.epilog = "A page of your own: hrpose config hrnet_w32_horse10_256x256-split1 > my.py"
    common.add_config(parser)
    parser.add_argument(
        "--no-check", action="store_true",
        help="print the page even if training would refuse it; quicker, too",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FILE",
        help="write the page to FILE (PowerShell's '>' would write UTF-16)",
    )  # fmt: skip
    common.add_cfg_options(
        parser, "codec.sigma=3 'codec.input_size=(192, 256)' train_pipeline.3.prob=0"
    )


def run(args: argparse.Namespace) -> None:
    """Print the page, after a look whether it builds."""
    page = common.load_page(args)
    if not args.no_check:
        from hrpose.engine.experiment import prepare

        prepare(page)
    if args.out is None:
        print(_printable(as_python(page)), end="")
        return
    try:
        dump(page, args.out)
    except OSError as error:
        raise RunError(f"{args.out}: cannot be written: {error.strerror}") from error


def _printable(code: str) -> str:
    r"""`code`, with letters beyond ASCII as `\u99ac` where stdout is not UTF-8, as pages are.

    They only stand inside strings, where Python reads them back.
    """
    encoding = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "")
    return code if encoding == "utf8" else code.encode("ascii", "backslashreplace").decode()
