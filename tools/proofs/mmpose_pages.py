"""How many of MMPose's HRNet pages become pages of hrpose that build, and why the others do not.

    pip download --no-deps mmpose==0.29.0 && unzip mmpose-0.29.0-*.whl -d 0.29.0
    python tools/proofs/mmpose_pages.py 0.29.0 --under animal

The wheels of MMPose carry its pages, in `mmpose/.mim/configs`. Pages are read, never executed.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from hrpose.errors import HrposeError, shown_to_user
from hrpose.own_page.from_mmpose.convert import convert_config


@shown_to_user
def main() -> None:
    """Convert all pages below the folders, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--under", default="", help="only pages with this word in their path")
    args = parser.parse_args()
    for folder in args.folders:
        pages = [
            page
            for page in sorted(folder.rglob("*hrnet*.py"))
            if "topdown" in page.as_posix() and args.under in page.as_posix()
        ]
        notes: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        for page in pages:
            try:
                notes.update({_plain(note) for note in convert_config(page).notes})
            except HrposeError as error:
                refused[_plain(str(error).splitlines()[1])] += 1
        print(f"{folder}: {len(pages)} pages, {len(pages) - refused.total()} built", flush=True)
        for table, word in ((refused, "refused"), (notes, "listed")):
            for line, count in table.most_common():
                print(f"  {word} {count}: {line}", flush=True)


def _plain(line: str) -> str:
    """`line` without the number of the line of the page."""
    return re.sub(r"line \d+", "line N", line.removeprefix("  - "))


if __name__ == "__main__":
    main()
