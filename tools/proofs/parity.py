"""Measure every link of the chain against MMPose's numbers and write docs/parity.md."""

import argparse
import os
import sys
from pathlib import Path

from hrpose.errors import RunError, shown_to_user

ROOT = Path(__file__).resolve().parents[2]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure how far hrpose is from MMPose, link by link, and write the page.",
        epilog="Exit status 1 if a link is further away than its tolerance.",
    )
    parser.add_argument(
        "--golden", metavar="DIR", default=os.environ.get("HRPOSE_GOLDEN"),
        help="the reference set, see tests/golden/README.md (default: $HRPOSE_GOLDEN)",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="DIR", default=os.environ.get("HRPOSE_DATA"),
        help="folder with mmpose-samples/{horse10,macaque,atrw} (default: $HRPOSE_DATA)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", default=ROOT / "docs" / "parity.md", type=Path,
        help="the page (default: docs/parity.md)",
    )  # fmt: skip
    return parser.parse_args()


@shown_to_user
def main() -> None:
    args = parse()
    for option, folder in (("--golden", args.golden), ("--data", args.data)):
        if not folder or not Path(folder).is_dir():
            raise RunError(f"{option} {folder or 'is not given'}: must be a folder that exists")
    sys.path.insert(0, str(ROOT / "tests"))
    from parity import LINKS, Reference
    from parity.page import page

    reference = Reference(Path(args.golden), Path(args.data))
    results = []
    for link in LINKS:
        measured = link.measure(reference)
        results.append((link, measured))
        word = "holds" if link.holds(measured) else "DOES NOT HOLD"
        numbers = f"{measured.difference:.2g} of {link.tolerance:g} {link.unit}"
        print(f"{link.chapter}: {link.name}: {numbers}: {word}", flush=True)
    args.out.write_text(page(results, "python tools/parity.py --golden DIR --data DIR"))
    print(f"page: {args.out}")
    if not all(link.holds(measured) for link, measured in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
