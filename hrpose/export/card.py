"""The card of published weights: what they are, how good, and what they are not for, in Markdown.

The head between the lines '---' is what hubs for models read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from hrpose.export.numbers import Numbers


@dataclass(frozen=True)
class Card:
    """What a card tells of.

    Args:
        page: without secrets.
        file: name of the weights' file.
        meta: what stands in it.
    """

    page: dict[str, Any]
    name: str
    file: str
    sha256: str
    meta: Mapping[str, str]
    numbers: Numbers | None


def text_of(card: Card) -> str:
    """The Markdown file."""
    keypoints = card.page["keypoints"]
    names = keypoints["names"]
    lines = [
        "---",
        "library_name: hrpose",
        "pipeline_tag: keypoint-detection",
        "tags: [pose-estimation, animals]",
        "---",
        "",
        f"# {card.name}",
        "",
        f"Finds {len(names)} keypoints of one animal in its crop (keypoints of "
        f"{_text(keypoints['dataset'])}): {', '.join(map(_text, names))}.",
        "",
        f"File `{card.file}`, SHA-256 `{card.sha256}`. Weights only; the config page is inside.",
        "",
        *("## Licence", "", _text(card.meta["licence"]) or _NO_LICENCE, ""),
        *("## Data", "", *_data(card), ""),
        *("## Numbers", "", *_numbers(card.numbers), ""),
        *("## What it must not be used for", "", *_LIMITS, ""),
        *("## How to run it", "", *_usage(card), ""),
    ]
    return "\n".join(lines)


_NO_LICENCE = "Not stated. Without a licence nobody may use it: ask who published it."
_LIMITS = [
    "- Animals, views, cameras or places unlike those of the data: no number here speaks of them. "
    "Label some frames of your own and run `hrpose test` first.",
    "- People.",
    "- Decisions about a single animal (health, lameness, pain) that nobody checks: positions have "
    "errors, and a score is no probability.",
    "- Frames without the animal, points outside the crop: it places all points in any picture.",
]


def _data(card: Card) -> list[str]:
    data = card.page["data"]
    lines = []
    for split in ("train", "val", "test"):
        part = data.get(split) or {}
        # names without their folders: these are of the machine that it was trained on
        file = PurePath(str(part.get("ann_file", ""))).name
        size = f", {part['length']} drawn animals" if "length" in part else ""
        lines.append(f"- {split}: {_text(file or part.get('type', 'not stated'))}{size}")
    if card.meta["train_sha256"]:
        lines.append(f"- digest of the training data: `{card.meta['train_sha256']}`")
    return lines


def _numbers(numbers: Numbers | None) -> list[str]:
    if numbers is None:
        return ["None are known for these weights."]
    rows = []
    for name, value in numbers.values.items():
        ends = numbers.intervals.get(name)
        interval = f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else "not computed"
        rows.append(f"| {_text(name)} | {value:.4f} | {interval} |")
    return [
        f"On the {numbers.origin}.",
        "",
        "| metric | value | 95% interval |",
        "|---|--:|---|",
        *rows,
    ]


def _usage(card: Card) -> list[str]:
    return [
        f"With hrpose {card.meta['hrpose']} or later. The page comes out of the file by",
        "",
        "```python",
        "import json",
        "",
        "from hrpose.config import dump",
        "from hrpose.storage.checkpoint_file import read",
        "from pathlib import Path",
        "",
        f'dump(json.loads(read(Path("{card.file}"))["meta"]["page"]), "{card.name}.py")',
        "```",
        "",
        "and then",
        "",
        "```bash",
        f"hrpose predict {card.name}.py {card.file} VIDEO --out predictions",
        f"hrpose test {card.name}.py {card.file}",
        f"hrpose train YOUR_PAGE.py --load-from {card.file}",
        "```",
    ]


def _text(value: Any) -> str:
    """`value` on one line, with no sign that Markdown or HTML would read."""
    line = " ".join(str(value).split())
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        line = line.replace(sign, shown)
    return line.replace("_", "\\_").replace("*", "\\*")
