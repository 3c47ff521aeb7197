"""From annotation files to a checked page, step by step."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hrpose.config import load
from hrpose.datasets.faults.fault import errors_among, in_lines
from hrpose.datasets.preflight.look import require_good_images
from hrpose.engine.experiment import Experiment, prepare
from hrpose.engine.guards.start import require_targets
from hrpose.errors import ConfigError, DataError, RunError
from hrpose.own_page import timing
from hrpose.own_page.content import Content
from hrpose.own_page.labels import read_labels
from hrpose.own_page.plan import make_plan
from hrpose.own_page.sigmas import sigmas_of
from hrpose.own_page.start import read_start
from hrpose.own_page.text import page_text
from hrpose.sides import Sides, sides_of
from hrpose.storage.whole_file import draft_for_library

SPLITS = ("train", "val", "test")
Bar = Callable[[Iterator, int, str], Iterator]
"""Puts a progress line around a number of items with a title."""


@dataclass(frozen=True)
class InitRequest:
    """What the command line asks for.

    Args:
        annotations: COCO keypoint files, one a part of the data.
        width: of HRNet, 32 or 48; None as the trained model's, else 32.
        minutes: that the training may take here; None for as long as is good.
        start: PAGE and CKPT, or CKPT alone, of a trained model; empty for none.
        norm: two keypoints whose distance errors are divided by.
        flip: mirror images in training and testing.
    """

    annotations: Sequence[Path]
    images: Path
    name: str
    out: Path
    width: int | None = None
    input_size: tuple[int, int] | None = None
    whole_frame: bool = False
    minutes: float | None = None
    start: Sequence[str] = ()
    norm: tuple[str, str] | None = None
    category: str | None = None
    flip: bool = True
    overwrite: bool = False


def init(request: InitRequest, bar: Bar) -> tuple[Content, Sides, list[str]]:
    """Write the page; returns what is in it, and the faults of the labels that training refuses.

    These do not keep the page from being written: what to do about them may be a value on it.

    Raises:
        HrposeError: something cannot be used, or the page would not train; nothing is written then.
    """
    _look_at(request)
    files = [path.absolute() for path in request.annotations]
    labels = read_labels(files, request.images.absolute(), request.category)
    told = {name for pair in labels.flip_pairs for name in pair}
    sides = sides_of([name for name in labels.names if name not in told])
    if request.flip and sides.lonely:
        raise DataError(
            f"{labels.train.ann_file}: {_listed(sides.lonely)} name a side, but the other side is "
            "no keypoint; a mirrored image would teach the wrong one. Correct the names, or give "
            "--no-flip to train without mirrored images"
        )
    start = read_start(request.start, labels.names) if request.start else None
    if start and request.width not in (None, start.width):
        raise ConfigError(f"--size w{request.width}: the trained model is W{start.width}")
    sigmas, repeats = sigmas_of(labels.train)
    content = Content(
        request.name,
        labels,
        [*labels.flip_pairs, *sides.pairs],
        request.flip,
        sigmas,
        repeats,
        request.norm,
        request.whole_frame,
        start.model if start else None,
        start.width if start else request.width or 32,
        make_plan(labels.train, request.whole_frame, request.input_size, start is not None),
    )
    if request.minutes is not None:
        plan, said = timing.fit(
            content.plan,
            request.minutes,
            request.input_size is not None,
            len(labels.parts[content.validated_on].animals),
            lambda plan: _experiment(replace(content, plan=plan)),
            bar,
        )
        content = replace(content, plan=plan, timed=said)
    faults = _write(request.out, page_text(content), bar)
    return content, sides, faults


def _write(path: Path, text: str, bar: Bar) -> list[str]:
    """Put the page `text` at `path` once it is found good; returns what `check` does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_for_library(path) as draft:
            draft.write_text(text, encoding="utf-8")
            return check(draft, bar)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from error


def check(page: Path, bar: Bar) -> list[str]:
    """Look at `page` as training does; returns the faults of labels that it would refuse.

    Raises:
        HrposeError: what else training would refuse.
    """
    experiment = prepare(load(page))
    seen = set()
    wrong = []
    for split in SPLITS:
        digest = repr({**experiment.page["data"][split]})
        if digest not in seen:
            dataset = experiment.dataset(split)
            wrong += errors_among(dataset.faults)
            require_good_images(
                dataset, split, bar=lambda items, total, title: bar(iter(items), total, title)
            )
            if split == "train":
                require_targets(dataset, experiment.codec)
        seen.add(digest)
    return in_lines(wrong)


def _look_at(request: InitRequest) -> None:
    """Refuse what can be refused before anything is read."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", request.name):
        raise ConfigError(
            f"--name {request.name!r}: expected letters, digits, '_', '-' and '.'; the page and "
            "its run directory are called so"
        )
    if request.out.suffix != ".py":
        raise ConfigError(f"--out {request.out}: a page is a .py file")
    if request.out.exists() and not request.overwrite:
        raise RunError(f"{request.out} is there already; give --overwrite to replace it")
    if not request.images.is_dir():
        raise DataError(f"--images {request.images}: no such folder")


def _experiment(content: Content) -> Experiment:
    """The page of `content` as objects, by way of a file that does not stay."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.py")
        page.write_text(page_text(content), encoding="utf-8")
        return prepare(load(page))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
