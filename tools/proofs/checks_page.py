#!/usr/bin/env python
"""Write docs/checks.md, the faults that are looked for, from hrpose/datasets/faults/kinds.py."""

import argparse
from pathlib import Path

from hrpose.datasets.faults.kinds import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
HEAD = """\
# What `hrpose check` looks for

```bash
hrpose check CONFIG          # the page, labels and images of its splits; exit status 1 on a fault
hrpose check CONFIG --full   # decodes every image; compares pixels, not files, between the splits
```

Each fault is told in a paragraph: what it is and how often, the annotation file, the images and
annotations with their ids as in the file (the first five), and what to do:

```
train: warning: 1 whose left and right seem to be swapped
    in /data/mice/train.json; image 103 (m4s1/img0102.jpg), annotation 103
    -> look at the picture; exchange left and right of this animal if they are
```

An **error** cannot be right: training stops at it, before its first step. A **warning** may be
right, and wants a look. A **note** says what was done about what is odd. What is **refused** cannot
be read at all: every command says so. The other commands say a fault in a line of their log; what
needs all images or all pairs of animals is looked for by `check` alone.

Written by `python tools/proofs/checks_page.py` from the table that the code uses. The same faults,
seeded into one set of files, are in `tests/faults/labels.md`.

| no. | fault | how bad | what to do | told by |
| --: | --- | --- | --- | --- |
"""


def text() -> str:
    """The whole page."""
    rows = [
        f"| {number} | {kind.title} | {kind.severity} | {kind.todo} | {kind.who} |"
        for number, kind in enumerate(KINDS.values(), 1)
    ]
    return HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    PAGE.write_text(text(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
