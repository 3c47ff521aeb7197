"""One picture of all chosen frames with their predictions, to see at a glance what was chosen."""

from __future__ import annotations

import textwrap
from pathlib import Path

import cv2
import numpy as np

from hrpose.errors import RunError
from hrpose.labelling.output import Suggested
from hrpose.storage.whole_file import draft
from hrpose.visualize.drawing import draw_animals
from hrpose.visualize.sheet import FAINT, PAPER, TEXT

_WIDE, _GAP, _LINE, _COLUMNS, _MOST_LINES = 384, 12, 17, 4, 3


def write_sheet(path: Path, found: Suggested) -> None:
    """Write the JPEG `path`: each frame with the points of its row, its number, time and reason.

    Raises:
        RunError: it cannot be written.
    """
    cells = [_cell(found, index) for index in range(len(found.chosen))]
    columns = min(_COLUMNS, len(cells))
    high = max(cell.shape[0] for cell in cells)
    rows = -(-len(cells) // columns)
    shape = (rows * (high + _GAP) + _GAP, columns * (_WIDE + _GAP) + _GAP, 3)
    sheet = np.full(shape, PAPER, np.uint8)
    for index, cell in enumerate(cells):
        y = _GAP + index // columns * (high + _GAP)
        x = _GAP + index % columns * (_WIDE + _GAP)
        sheet[y : y + cell.shape[0], x : x + _WIDE] = cell
    ok, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not ok:
        raise RunError(f"{path}: OpenCV cannot encode a picture of {len(cells)} frames")
    try:
        with draft(path) as file:
            file.write(data.tobytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from None


def _cell(found: Suggested, index: int) -> np.ndarray:
    picture = found.chosen[index]
    image = found.image(index)
    scale = _WIDE / image.shape[1]
    size = (_WIDE, max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    row = picture.candidate.row
    shown = draw_animals(
        small,
        (found.table.keypoints[row] + 0.5) * scale - 0.5,
        np.maximum(found.table.scores[row], 1e-3),  # where a point of no likelihood is, is seen too
        found.meta,
        ids=found.table.individuals if len(found.table.individuals) > 1 else None,
    )
    foot = np.full(((_MOST_LINES + 1) * _LINE + 8, _WIDE, 3), PAPER, np.uint8)
    time = "" if picture.seconds is None else f"  {picture.seconds:.2f} s"
    lines = textwrap.wrap(picture.candidate.why, 52)[:_MOST_LINES]
    _write(foot, f"frame {picture.candidate.number}{time}", 1, TEXT)
    for place, line in enumerate(lines, start=2):
        _write(foot, line, place, FAINT)
    return np.vstack([shown, foot])


def _write(image: np.ndarray, text: str, line: int, colour: tuple[int, int, int]) -> None:
    text = text.encode("ascii", "replace").decode()  # the font has no other letters
    at = (2, line * _LINE - 2)
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
