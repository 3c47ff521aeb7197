#!/usr/bin/env python
"""Test a checkpoint on the test set of a config page."""

import argparse
import os
from pathlib import Path

from hrpose.errors import shown_to_user


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Test a checkpoint: prints metrics and scores per keypoint, writes "
        "metrics.json, predictions.json (COCO results) and predictions.png.",
        epilog="Several GPUs: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options].",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="path or URL of a .pth file")
    parser.add_argument("--work-dir", help="where results go (default: work_dirs/<config name>)")
    parser.add_argument("--ann-file", help="COCO annotations to test on instead of the page's")
    parser.add_argument("--img-root", help="folder of the images of --ann-file")
    parser.add_argument(
        "--out", help="file for the predictions (default: predictions.json in the work dir)"
    )
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. data.val_batch_size=64 model.flip_test=False",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose import config
    from hrpose.engine.test import run_test
    from hrpose.report import draw_predictions

    files = {"ann_file": args.ann_file, "img_root": args.img_root}
    changes = [
        f"data.test.{key}={str(Path(value).absolute())!r}" for key, value in files.items() if value
    ]
    page = config.load(args.config, [*changes, *args.cfg_options])
    work_dir = Path(args.work_dir or Path("work_dirs") / Path(args.config).stem)
    report, dataset = run_test(
        page, args.checkpoint, work_dir, Path(args.out) if args.out else None
    )
    if int(os.environ.get("RANK", 0)) == 0:
        draw_predictions(dataset, report.predictions, work_dir / "predictions.png")
        print(f"picture: {work_dir / 'predictions.png'}")


if __name__ == "__main__":
    main()
