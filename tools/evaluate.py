#!/usr/bin/env python
"""Score predictions of any origin on the test set of a config page: no image, no checkpoint."""

import argparse
from pathlib import Path

from hrpose.errors import shown_to_user


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Score a COCO results file (ours, MMPose's result_keypoints.json, others): "
        "metrics with 95%% intervals over images, and scores per keypoint.",
        epilog="Entries are matched by annotation_id, else by image_id. See docs/evaluation.md.",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument("predictions", metavar="PREDICTIONS", type=Path, help="COCO results, .json")
    parser.add_argument("--ann-file", help="COCO annotations to score on instead of the page's")
    parser.add_argument("--img-root", help="folder of the images; it need not exist")
    parser.add_argument("--out", type=Path, help="file for the numbers, as metrics.json of test.py")
    parser.add_argument(
        "--compare", type=Path, metavar="OTHER",
        help="second results file: PREDICTIONS minus OTHER, with a paired bootstrap test",
    )  # fmt: skip
    parser.add_argument(
        "--nms", action="store_true",
        help="suppress duplicates before AP as the page says (default: the file as it is)",
    )  # fmt: skip
    parser.add_argument(
        "--images", metavar="LIST",
        help="score only these images: file names, one a line, or FILE.csv:COLUMN",
    )  # fmt: skip
    parser.add_argument(
        "--allow-missing", action="store_true",
        help="leave out animals that have no prediction instead of stopping",
    )  # fmt: skip
    parser.add_argument("--resamples", type=int, default=1000, help="of the intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. metrics.0.thr=0.1 data.root=/data/horse10",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose import config
    from hrpose.engine.scoring import ScoringSettings, run_scoring

    files = {"ann_file": args.ann_file, "img_root": args.img_root}
    changes = [
        f"data.test.{key}={str(Path(value).absolute())!r}" for key, value in files.items() if value
    ]
    page = config.load(args.config, [*changes, *args.cfg_options])
    settings = ScoringSettings(args.nms, args.images, args.allow_missing, args.resamples, args.seed)
    run_scoring(page, args.predictions, settings, args.out, args.compare)


if __name__ == "__main__":
    main()
