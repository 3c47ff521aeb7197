"""A report as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hrpose import config
from hrpose.errors import DataError
from hrpose.report.animals import pictures_of
from hrpose.report.page.figures import charts_of
from hrpose.report.report import Report
from hrpose.visualize.html.keypoints import keypoint_key
from hrpose.visualize.html.page import render
from hrpose.visualize.html.pictures import embed, share

_HEIGHT, _LEAST_HEIGHT = 420, 160  # px of a picture
_BYTES_A_PIXEL = 0.16  # of such pictures as JPEG
_MOST_PICTURES = 400  # of a page; with more each would be too small to see anything


def page_of(report: Report) -> str:
    """The page; what stands in it is what stands in report.json, and pictures.

    Raises:
        RunError: it would be larger than a page may be.
    """
    numbers, runs = report.numbers, len(report.measured)
    each = max(1, _MOST_PICTURES // (2 * runs))
    rows = {"worst": report.chosen.worst[:each], "random": report.chosen.random[:each]}
    most = share(sum(map(len, rows.values())) * runs)
    height = int(min(_HEIGHT, max(_LEAST_HEIGHT, (most / _BYTES_A_PIXEL / 1.3) ** 0.5)))
    return render(
        Path(__file__).with_name("report.html"),
        title=_title(numbers),
        version=numbers["hrpose"],
        numbers=numbers,
        runs=numbers["runs"],
        names=[run["name"] for run in numbers["runs"]],
        kinds=_kinds(numbers),
        facts=_side_by_side(numbers["runs"]),
        pages=[config.as_python(run["page"]) for run in numbers["runs"]],
        charts=charts_of(numbers),
        keypoints=keypoint_key(report.dataset.meta),
        cards={part: _cards(report, part, these, height, most) for part, these in rows.items()},
        number=number,
        ends=ends,
    )


def number(value: float | None, digits: int = 4) -> str:
    """A number as it is read; a dash where it does not exist."""
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}"


def ends(both: Sequence[float] | None, digits: int = 4) -> str:
    """An interval as it is read; empty where there is none."""
    return "" if both is None else f"{both[0]:.{digits}f} to {both[1]:.{digits}f}"


def _title(numbers: dict[str, Any]) -> str:
    names = [run["name"] for run in numbers["runs"]]
    return f"Report on {names[0]}" if len(names) == 1 else f"Report on {len(names)} runs"


def _kinds(numbers: dict[str, Any]) -> dict[str, str]:
    """The kinds of intervals that there are, and what each is called."""
    kinds = {"by_image": "by image"}
    return {**kinds, "by_group": "by group"} if numbers["test_set"]["groups"] else kinds


def _side_by_side(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each fact once where all runs agree, else of every run."""
    names = dict.fromkeys(name for run in runs for name in run["facts"])
    rows = []
    for name in names:
        texts = [run["facts"].get(name, "") for run in runs]
        rows.append({"name": name, "texts": texts[:1] if len(set(texts)) == 1 else texts})
    return rows


def _cards(
    report: Report, part: str, rows: Sequence[int], height: int, most: int
) -> list[dict[str, Any]]:
    """The animals of one list, each with a picture of every run."""
    cards = []
    shown = tqdm(rows, f"pictures of the {part} animals", leave=False, disable=None, delay=1)
    for row, animal in zip(shown, report.numbers[part], strict=False):
        title = f"{animal['image']}"
        if animal["annotation"] is not None:
            title += f", annotation {animal['annotation']}"
        card: dict[str, Any] = {"title": title, "problem": "", "views": [], "runs": animal["runs"]}
        try:
            pictures = pictures_of(report.dataset, report.measured, row, height)
        except DataError as error:
            card["problem"] = f"no picture: {error}"
        else:
            for picture, answer in zip(pictures, animal["runs"], strict=True):
                words = f"{title}, {said_of(answer, len(pictures) > 1)}"
                card["views"].append(
                    {
                        "picture": embed(picture, words, most),
                        "caption": said_of(answer, len(pictures) > 1),
                    }
                )
        cards.append(card)
    return cards


def said_of(answer: dict[str, Any], with_name: bool) -> str:
    """What a run got wrong of an animal."""
    wrong = answer["wrong"]
    text = f"{answer['run']}: " if with_name else ""
    text += f"mean error {number(answer['error'], 3)}, "
    if not answer["points"]:
        return text + "no point counts"
    text += f"{len(wrong)} of {answer['points']} points wrong"
    return text + (f": {', '.join(wrong)}" if wrong else "")
