"""labelme's files: points and rectangles of one animal share a group."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_exports import PLAIN, picture, png, write_json

from hrpose.convert.formats import ReadOptions
from hrpose.convert.programs.labelme import read
from hrpose.errors import DataError


def shape(
    label: str, kind: str, *points: list[float], group: int | None = None, **more: Any
) -> Any:
    return {
        "label": label,
        "points": list(points),
        "group_id": group,
        "shape_type": kind,
        "flags": {},
        **more,
    }


def sheet(*shapes: Any, image: str = "a.png", **more: Any) -> dict[str, Any]:
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": image,
        "imageData": None,
        "imageHeight": 100,
        "imageWidth": 200,
        **more,
    }


def test_groups_make_animals(tmp_path: Path) -> None:
    picture(tmp_path / "clip" / "a.png")
    write_json(
        tmp_path / "clip" / "a.json",
        sheet(
            shape("mouse", "rectangle", [60.5, 70], [10, 20], group=1),  # drawn from below
            shape("nose", "point", [12.25, 30.5], group=1),
            shape("nose", "point", [112, 31], group=2, flags={"occluded": True}),
            shape("tail", "point", [150, 40], group=2),
            shape("cage", "polygon", [0, 0], [9, 0], [9, 9]),
        ),
    )
    labels = read(tmp_path, PLAIN)
    assert labels.categories[0].keypoints == ("nose", "tail")
    first, second = labels.animals
    assert first.box == (10.0, 20.0, 50.5, 50.0)
    assert first.keypoints[0].tolist() == [12.25, 30.5] and np.isnan(first.keypoints[1]).all()
    assert second.box is None and second.visible.tolist() == [1, 2]
    assert (labels.images[0].name, labels.images[0].group) == ("clip/a.png", "clip")
    assert labels.notes == ["1 shapes of type polygon left out"]


def test_backslashes_in_paths_are_folders(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    content = sheet(shape("nose", "point", [1, 2]), image="..\\images\\a.png")
    write_json(tmp_path / "labels" / "a.json", content)
    (image,) = read(tmp_path / "labels", PLAIN).images
    assert isinstance(image.source, Path)
    assert image.source.resolve() == tmp_path / "images" / "a.png"
    assert image.name == "a.png"


def test_images_may_be_within_the_labels_or_elsewhere(tmp_path: Path) -> None:
    data = png(200, 100)
    inside = sheet(shape("nose", "point", [1, 2]), imageData=base64.b64encode(data).decode())
    write_json(tmp_path / "labels" / "a.json", inside)
    source = read(tmp_path / "labels", PLAIN).images[0].source
    assert not isinstance(source, Path) and source() == data
    write_json(tmp_path / "labels" / "a.json", sheet(shape("nose", "point", [1, 2])))
    with pytest.raises(DataError, match=r"1 of its 1 images are not there: a.png.*--images"):
        read(tmp_path / "labels", PLAIN)
    picture(tmp_path / "elsewhere" / "a.png")
    labels = read(tmp_path / "labels", ReadOptions(images=tmp_path / "elsewhere"))
    assert labels.images[0].source == tmp_path / "elsewhere" / "a.png"


def test_a_group_gets_the_free_box_around_it(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    content = sheet(
        shape("mouse", "rectangle", [0, 0], [50, 50]),
        shape("nose", "point", [10, 10], group=4),
        shape("nose", "point", [110, 10], group=5),
    )
    labels = read(write_json(tmp_path / "a.json", content), PLAIN)
    assert [animal.box for animal in labels.animals] == [(0.0, 0.0, 50.0, 50.0), None]


def test_two_images_that_may_be_meant_are_named(tmp_path: Path) -> None:
    for folder in "xy":
        picture(tmp_path / "images" / folder / "a.png")
    write_json(tmp_path / "labels" / "a.json", sheet(shape("nose", "point", [1, 2])))
    with pytest.raises(DataError, match=r"'a.png' may be .*x/a.png or .*y/a.png; name the folder"):
        read(tmp_path / "labels", ReadOptions(images=tmp_path / "images"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "a.json: found a list; expected the shapes of one image"),
        ({"images": [], "annotations": []}, "found a dict with images, annotations; expected the"),
        (sheet(image=None), "found imagePath None"),  # type: ignore[arg-type]
        (sheet(shape("n", "point", [1])), r"a.json: shape 0: found points \[\[1\]\].*pairs x, y"),
        (sheet(shape("n", "point", ["x", 2])), "a.json: shape 0: found 'x'; expected a finite"),
        (sheet(shape("n", "rectangle", [1, 2])), "shape 0: found points .*expected 2 or more"),
        (sheet({"points": []}), "shape 0: found .*expected a shape with a label"),
        (sheet(), "no labelled point in its 1 images"),
        (sheet(imageWidth=640), "labelled in an image of 640 x 100 px, but a.png has 200 x 100"),
    ],
)
def test_what_is_wrong_gets_one_line(tmp_path: Path, content: Any, words: str) -> None:
    picture(tmp_path / "a.png")
    write_json(tmp_path / "a.json", content)
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, PLAIN)
    assert "\n" not in str(caught.value)


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no .json file; expected a folder of labelme's"):
        read(tmp_path, PLAIN)
