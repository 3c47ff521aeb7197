"""From MMPose's page to the text of ours, which is seen to load and to build."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hrpose
from hrpose.config import load
from hrpose.engine.experiment import SPLITS, prepare
from hrpose.errors import ConfigError, DataError
from hrpose.own_page.from_mmpose.page import page_of, version_of
from hrpose.own_page.from_mmpose.source import read_source
from hrpose.own_page.init import check
from hrpose.own_page.literals import WIDTH, laid_out

Bar = Callable[[Iterator, int, str], Iterator]
_COMMENTS = {
    "keypoints": "in the order of the annotation files; flip_pairs change places in a mirror",
    "codec": "sizes are width, height in px and in cells, sigma is in cells",
    "model": "HRNet, a heatmap head, and how heatmaps become points",
    "pretrained": "weights for the backbone before training, or None",
    "load_from": "weights of the whole model before training",
    "train_pipeline": "moves of the crop; sizes are shares of the box, angles in degrees",
    "test_pipeline": "validation and test",
    "data": "paths start at root; batch_size counts the animals of a batch, on each GPU",
    "metrics": "docs/evaluation.md says what each means",
    "optimizer": "",
    "schedule": "warm-up is counted in steps, all else in epochs",
    "runner": "base_batch_size is the batch of all GPUs that the rate was chosen for",
}


@dataclass(frozen=True)
class Converted:
    """A page of ours.

    Args:
        origin: what it was made of, in words.
        text: the page.
        notes: what could not be carried over, a sentence each.
        root: folder that its paths start from.
    """

    origin: str
    text: str
    notes: list[str]
    root: str


def convert_config(file: Path) -> Converted:
    """Convert the page in `file`, and see that ours loads and builds.

    Raises:
        ConfigError: it is no page of MMPose for HRNet with a heatmap head, or has a line that is
            not data; or what it says does not fit together.
    """
    source = read_source(file)
    page, notes = page_of(source)
    origin = f"{file.name}, a page of MMPose {version_of(source)}"
    text = page_text(page, origin, notes)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "page.py")
        draft.write_text(text, encoding="utf-8")
        try:
            prepare(load(draft))
        except ConfigError as error:
            told = [f"as a page of hrpose: {problem}" for problem in error.problems]
            raise ConfigError(told, str(file)) from None
    return Converted(origin, text, notes, page["data"]["root"])


def look_at_data(page: Path, bar: Bar) -> list[str]:
    """What the data of the written page want: one line that says how to point it at them, or what
    training would refuse of them; nothing where all is well.
    """
    values = load(page)
    data = values["data"]
    missing = [
        path
        for split in SPLITS
        if not (path := Path(data["root"], data[split]["ann_file"])).is_file()
    ]
    if missing:
        return [
            f"there is no {missing[0]} here: set `root` in `data` of the page to the folder with "
            "the data, or give `--cfg-options data.root=DIR` to `hrpose check`, `train` and `test`"
        ]
    try:
        return [f"training will refuse: {fault}" for fault in check(page, bar)]
    except DataError as error:
        return [f"training will refuse: {error}"]


def page_text(page: dict[str, Any], origin: str, notes: Sequence[str]) -> str:
    """`page` as a Python file.

    Args:
        origin: what it was made of.
        notes: what could not be carried over.
    """
    lines = [f"Made of {origin}, by `hrpose convert-config` {hrpose.__version__}."]
    lines += ["docs/convert_config.md says what differs whatever a page says."]
    lines += ["What could not be carried over as it stands there:"] if notes else []
    head = [_comment(line) for line in lines] + [_comment(note, "- ") for note in notes]
    parts = []
    for name, value in page.items():
        comment = _COMMENTS[name]
        text = laid_out(value, f"{name} = ", 0)[:-1]
        parts.append(f"# {comment}\n{text}\n" if comment else f"{text}\n")
    return "\n".join(["\n".join(head) + "\n", *parts])


def _comment(text: str, bullet: str = "") -> str:
    # what comes from their page must not end the comment
    plain = " ".join(text.split()).encode("unicode_escape").decode("ascii")
    plain = plain.replace("{{", "{ {")  # mmengine fills in '{{ ... }}' all over a page
    return textwrap.fill(
        plain, WIDTH, initial_indent=f"# {bullet}", subsequent_indent="# " + " " * len(bullet)
    )
