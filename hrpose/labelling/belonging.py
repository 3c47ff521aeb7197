"""Whether a table is of a video: by the JSON file beside it, by its rows, points and name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from hrpose.datasets.faults.measures import FAR
from hrpose.errors import DataError
from hrpose.predict.tables.csv_table import Table
from hrpose.video.reader import open_video

MOST = 0.25
"""Of the points may lie there: a network may find a point outside of the frame."""


def check_video(path: Path, table: Table, video: Path) -> None:
    """DataError, before a video is read, where it is not the one that the table `path` is of.

    `hrpose predict` writes beside its tables how large, long and fast their video is; every table
    has its points.
    """
    record = _record(path)
    with open_video(video, 0, 1) as reader:
        first = next(iter(reader), None)
    size = first.image.shape[1::-1] if first is not None and first.image is not None else None
    then, now = _facts(record.get("size")), _facts(size)
    if record.get("decoder") == reader.decoder:  # others may read another header
        then |= _facts(None, record.get("frames_by_header"), record.get("frames_per_second"))
        now |= _facts(None, reader.header_frames, reader.rate)
    other = [name for name in then if name in now and then[name] != now[name]]
    if other:
        raise DataError(
            f"{path} was made of a video {_listed(then, other)} ({record.get('input')}), and "
            f"{video} is one {_listed(now, other)}: they do not belong together"
        )
    points = table.keypoints[np.isfinite(table.keypoints).all(axis=-1)]
    outside = (points > FAR * np.array(size)).any(axis=1) if size else np.zeros(len(points))
    if outside.sum() > MOST * len(points):
        raise DataError(
            f"{path} has {outside.mean():.0%} of its points outside of the frames of {video}, "
            f"which are {now['size']}: they do not belong together"
        )


def _facts(size: Any, frames: Any = None, rate: Any = None) -> dict[str, str]:
    """In words what is known of a video: (W, H) px, frames by its header, frames per second."""
    facts = {}
    if isinstance(size, list | tuple) and len(size) == 2:
        facts["size"] = f"{size[0]} x {size[1]} px"
    if frames:
        facts["frames"] = f"{frames} frames"
    if isinstance(rate, int | float) and rate:
        facts["rate"] = f"{rate:.2f} frames/s"
    return facts


def _listed(facts: dict[str, str], names: Sequence[str]) -> str:
    return "of " + ", ".join(facts[name] for name in names)


def doubt_of(path: Path, video: Path) -> str:
    """Why the table `path` may be of another video, by their names; '' where they say nothing."""
    told = _record(path).get("input")
    if isinstance(told, str):
        same = PureWindowsPath(told).stem == video.stem  # which splits at / too
        what = f"was made of {told}, says {path.with_suffix('.json')}"
    else:
        rest = path.stem.removeprefix(video.stem)  # cageDLC_HrnetW32..., cage_filtered
        same = path.stem.startswith(video.stem) and (not rest[:1].isalnum() or rest[:3] == "DLC")
        what = f"is not called like {video.name}"
    if same:
        return ""
    return (
        f"{path} {what}: unless {video} is the same video under another name, its frames were "
        "chosen by the predictions of another one"
    )


def end_of(path: Path, labels: Sequence[str]) -> int | None:
    """How many frames the video of a table has at most; None if the table cannot tell.

    A table of `hrpose predict --stop` ends before its video does, as the JSON file beside it says.
    """
    options = _record(path).get("options")
    if isinstance(options, dict) and options.get("stop") is not None:
        return None
    before, last = [int(label) for label in labels[-2:]] if len(labels) > 1 else (-1, 0)
    return last + (last - before)  # each n-th frame may have its row


def check_length(table: Path, video: Path, last: int, end: int | None, count: int) -> None:
    """DataError where a table whose last row is frame `last` is not that of a video of `count`.

    Args:
        end: how many frames the video has at most; None if that is not known.
    """
    if last >= count:
        raise DataError(
            f"{table} has a row of frame {last}, and {video} has {count} frames: "
            "they do not belong together, or the video was cut off"
        )
    if end is not None and count > end:
        raise DataError(
            f"{table} ends with frame {last}, and {video} has {count} frames: "
            "they do not belong together, or the table is not whole"
        )


def _record(path: Path) -> dict[str, Any]:
    """What `hrpose predict` writes beside its table `path`; {} where there is nothing."""
    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
