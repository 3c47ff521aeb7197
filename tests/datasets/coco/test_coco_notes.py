"""Labels that can be used and are odd all the same: counted, and named."""

import pytest

from hrpose.datasets.faults import Fault, Place


def notes(data) -> list[str]:
    lines = data.summary().splitlines()
    return lines[1 + next(i for i, line in enumerate(lines) if line.startswith("from ")) :]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"keypoints": [-1, 22, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]}, "with a labelled keypoint out"),
        ({"keypoints": [5, 80.5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]}, "with a labelled keypoint out"),
        ({"keypoints": [0, 0, 1, 9, 9, 2, 0, 0, 0, 0, 0, 0]}, "with a labelled keypoint at"),
        ({"keypoints": [5, 5, 3, 9, 9, 2, 0, 0, 0, 0, 0, 0]}, "with a v other than 0, 1 or 2"),
        ({"keypoints": [5, 5, 2, 9, 9, -1, 0, 0, 0, 0, 0, 0]}, "with a v other than 0, 1 or 2"),
        ({"num_keypoints": 4}, "whose num_keypoints is not how many v are above 0: counted anew"),
        ({"area": None}, "without an area of 0 or more: that of the box is taken"),
        ({"area": -3}, "without an area of 0 or more"),
        ({"area": float("inf")}, "without an area of 0 or more"),
        ({"area": 0}, "with an area that does not go with the box (the first is 0, its box"),
        ({"area": 1}, "with an area that does not go with the box (the first is 1, its box"),
    ],
)  # fmt: skip
def test_each_is_named(toy, meta, test_steps, changes, note):
    toy.annotations[2].update(changes)
    if "keypoints" in changes:
        del toy.annotations[2]["num_keypoints"]
    data = toy.open(meta, test_steps)
    assert len(data) == 6
    (line,) = notes(data)
    assert line.removeprefix("warning: ").startswith(f"1 {note}")
    assert line.endswith("(annotation 52)")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keypoints": [100, 80, 2, 0, 5, 1, 0, 0, 0, 0, 0, 0], "num_keypoints": 2},  # on the edge
        {"keypoints": [5, 5, 2, -9, -9, 0, 0, 0, 0, 0, 0, 0], "num_keypoints": 1},  # not labelled
        {"keypoints": [], "num_keypoints": 0},
        {"area": 60},  # an outline fills a part of its box, here 40 x 30 px
        {"iscrowd": 1, "area": None, "num_keypoints": 9},
    ],
)
def test_what_is_not_odd(toy, meta, test_steps, changes):
    toy.annotations[2].update(changes)
    assert notes(toy.open(meta, test_steps)) == []


def test_areas_and_counts_that_are_taken_instead(toy, meta, test_steps):
    toy.annotations[2].update(area=-3, num_keypoints=9)
    data = toy.open(meta, test_steps)
    assert data.truth().areas[2] == 40 * 30
    assert data.coco()["annotations"][2]["num_keypoints"] == 3


def corners(toy, count):
    """Boxes of animals in the right half, as two corners in the first `count` annotations."""
    for number, entry in enumerate(toy.annotations):
        entry["bbox"] = [55, 20, 35, 50] if number >= count else [55, 20, 90, 70]


@pytest.mark.parametrize(("count", "warned"), [(6, True), (2, False), (0, False)])
def test_boxes_that_are_two_corners(toy, meta, test_steps, count, warned):
    corners(toy, count)
    lines = notes(toy.open(meta, test_steps))
    expected = (
        "warning: 6 of 6 boxes reach far outside their images as x, y, width, height, and 6 fit as "
        "two corners x1, y1, x2, y2: if that is what they are, convert them"
    )
    assert (expected in lines) == warned


def test_close_ups_are_no_corners(toy, meta, test_steps):
    """An animal that fills its image: both readings of its box are much the same."""
    for entry in toy.annotations:
        entry["bbox"] = [1, 1, 99, 79]
    assert notes(toy.open(meta, test_steps)) == []


def test_at_most_five_are_named():
    def said(ids):
        places = tuple(Place(None, number) for number in ids)
        return str(Fault("bare", "note", f"{len(ids)} lost", "look", "a.json", places))

    assert said([1, 2, 3, 4, 5]) == "5 lost (annotation 1, 2, 3, 4, 5)"
    assert said(range(9)) == "9 lost (annotation 0, 1, 2, 3, 4, ...)"
