#!/usr/bin/env python
"""Look at the annotations and images of a config page: every fault at once, no training."""

import argparse
import sys
from functools import partial

from hrpose.errors import HrposeError, shown_to_user

SPLITS = ("train", "val", "test")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Look at the annotations and images of a config page. Faults are named, with "
        "the annotation; exit status 1 if there are any.",
        epilog="Images that were found good are remembered until they change "
        "($HRPOSE_CACHE, or ~/.cache/hrpose).",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument(
        "--full", action="store_true", help="decode every image, not only its header"
    )
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=SPLITS, metavar="SPLIT",
        help="data sets of the page to look at: train val test (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. data.root=/data/horses",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    from tqdm import tqdm

    from hrpose import config
    from hrpose.datasets.preflight.look import look_through
    from hrpose.reproduce.data import read_dataset

    page = config.load(args.config, args.cfg_options)
    bar = partial(tqdm, leave=False, disable=None)
    faults = 0
    for split in args.splits:
        try:
            dataset = read_dataset(page, split)
        except HrposeError as error:
            faults += 1
            print(f"{split}: {type(error).__name__}: {error}\n")
            continue
        checked = look_through(dataset, args.full, lambda i, n, title: bar(i, title, n))
        faults += len(checked.problems)
        print(f"{split}: {dataset.summary()}\n{checked.summary()}\n")
    print(f"{faults} faults" if faults else "no fault")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
