#!/usr/bin/env python
"""Print a config page as a run sees it: bases merged, options applied, references resolved."""

import argparse

from hrpose.errors import shown_to_user


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Print a config page as a run sees it: bases merged, options applied, "
        "references resolved. The output is a config page itself.",
        epilog="Only the page is looked at: whether it builds is told by tools/train.py.",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. codec.sigma=3 'codec.input_size=(192, 256)' "
        "train_pipeline.3.prob=0",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose.config import as_python, load

    print(as_python(load(args.config, args.cfg_options)), end="")


if __name__ == "__main__":
    main()
