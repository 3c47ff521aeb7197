"""Report on runs: one HTML page, which needs no network, with metrics and their intervals, errors
of each keypoint, what scores mean, pictures of the worst predictions, and runs side by side; and a
file with the same numbers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hrpose.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose report`."""
    parser.epilog = "See docs/report.md."
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", type=Path,
        help="folder of a training, whose best checkpoint is tested if it holds no "
        "predictions.json; or a predictions.json. Differences are from the first",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=common.new_file(".html"), required=True, metavar="FILE",
        help="page to write, .html; the numbers go beside it as .json",
    )  # fmt: skip
    parser.add_argument(
        "--config", metavar="CONFIG", help="page of predictions that have none beside them"
    )
    parser.add_argument(
        "--by", default="video", metavar="video|image|PATTERN",
        help="what images belong to: video as annotation file or names tell (default), image "
        "for nothing, or a regular expression that finds it in file names",
    )  # fmt: skip
    parser.add_argument(
        "--thr", type=float, metavar="X",
        help="a point is right when nearer than X times the normaliser (default: as the page's "
        "first PCK says)",
    )  # fmt: skip
    parser.add_argument(
        "--allow-missing", action="store_true",
        help="leave out animals that have no prediction instead of stopping",
    )  # fmt: skip
    parser.add_argument(
        "--resamples", type=common.count, default=1000, metavar="N",
        help="draws that intervals are made of (default: 1000)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=common.index, default=0, help="of the draws and of the animals at random"
    )
    common.add_allow_opencv_5(parser)
    common.add_cfg_options(parser, "data.root=/data/horses")


def run(args: argparse.Namespace) -> None:
    """Measure, and write page and numbers."""
    from hrpose.report.page.page import page_of
    from hrpose.report.report import ReportRequest, make_report

    request = ReportRequest(
        args.runs,
        args.config,
        args.cfg_options,
        args.by,
        args.thr,
        args.allow_missing,
        args.resamples,
        args.seed,
        args.allow_opencv_5,
    )
    report = make_report(request)
    page = page_of(report)
    text = json.dumps(report.numbers, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    common.write_file(args.out.with_suffix(".json"), text.encode())
    common.write_file(args.out, page.encode())
