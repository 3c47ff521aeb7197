"""From a table and its video to the frames worth labelling: `hrpose suggest` from top to bottom."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from hrpose.errors import DataError, RunError
from hrpose.keypoints import KeypointMeta
from hrpose.labelling.belonging import check_length, check_video, end_of
from hrpose.labelling.candidates import candidate_frames
from hrpose.labelling.choice import GAP_FRAMES, GAP_SECONDS, choose_pictures
from hrpose.labelling.output import Suggested, files_of, labelled, require_form, write
from hrpose.labelling.pictures import Picture, collect_pictures
from hrpose.labelling.predictions import read_predictions
from hrpose.labelling.reasons import signs
from hrpose.labelling.sheet import write_sheet
from hrpose.sides import sided_pairs
from hrpose.video.reader import VideoReader, open_video

_POOL = 4  # candidates for each frame that is asked for


@dataclass
class SuggestRequest:
    """What is asked for.

    Args:
        kind: 'deeplabcut', 'sleap' or 'coco'.
        keypoints: of the page that the model was trained with; None: names alone.
    """

    table: Path
    video: Path
    count: int
    kind: str
    out: Path
    keypoints: KeypointMeta | None = None
    overwrite: bool = False


def suggest(request: SuggestRequest) -> tuple[list[Picture], list[Path]]:
    """The chosen frames in the order of the video, and the files that were written.

    Raises:
        HrposeError: the table or the video cannot be used, they do not belong together, there are
            not so many frames, a package is missing, or what would be written is there.
    """
    require_form(request.kind)
    planned = files_of(request.kind, request.out, request.video.stem)
    _refuse_what_is_there([*planned.tables, planned.sheet], request.overwrite)
    table = read_predictions(request.table)
    if request.count > len(table.labels):
        raise DataError(
            f"{request.table} has {len(table.labels)} rows, and {request.count} frames are asked "
            "for; ask for fewer with --n"
        )
    meta = meta_of(request.table, table.bodyparts, request.keypoints)
    check_video(request.table, table, request.video)
    sides = [(meta.index(left), meta.index(right)) for left, right in meta.flip_pairs]
    found = signs(table, meta.skeleton_ids, sides)
    numbers = np.array([int(label) for label in table.labels])
    with open_video(request.video) as video, _waiting_room(request.out) as folder:
        gap, most = _gap(video), _POOL * request.count
        pool = candidate_frames(found, table.scores, numbers, labelled(planned), gap, most)
        pictures, count = collect_pictures(video, pool, Path(folder))
        end = end_of(request.table, table.labels)
        check_length(request.table, request.video, int(numbers[-1]), end, count)
        chosen = choose_pictures(pictures, request.count)
        result = Suggested(table, meta, request.video, chosen, count)
        written = write(request.kind, planned, result)
        write_sheet(planned.sheet, result)
    return chosen, [*written, planned.sheet]


def meta_of(path: Path, names: Sequence[str], page: KeypointMeta | None) -> KeypointMeta:
    """The keypoints of a table in its own order, with the pairs and the skeleton of `page`.

    Raises:
        DataError: the names of the table are not those of the page.
    """
    if page is None:
        return KeypointMeta("animal", names, flip_pairs=sided_pairs(names))
    if set(names) != set(page.names):
        only = [name for name in [*names, *page.names] if (name in names) != (name in page.names)]
        raise DataError(
            f"{path}: its body parts are not the keypoints of the page: {', '.join(only[:5])} "
            f"{'is' if len(only) == 1 else 'are'} in one of them only"
        )
    return KeypointMeta(page.dataset, names, flip_pairs=page.flip_pairs, skeleton=page.skeleton)


def _gap(video: VideoReader) -> int:
    """Frames between candidates; what is chosen of them lies apart by the frames' own times."""
    return max(1, ceil(GAP_SECONDS * video.rate - 1e-3)) if video.rate else GAP_FRAMES


def _refuse_what_is_there(files: Sequence[Path], overwrite: bool) -> None:
    there = [file for file in files if file.exists()]
    if there and not overwrite:
        raise RunError(f"{there[0]} is there already; --overwrite replaces it")


def _waiting_room(out: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder for frames that may be chosen, on the disk on which they will lie."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".suggest-", dir=out)
    except OSError as error:
        raise RunError(f"{out}: cannot be written ({error.strerror})") from None
