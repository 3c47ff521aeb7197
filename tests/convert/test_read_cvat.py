"""CVAT's own XML for images, and its COCO keypoints."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_exports import PLAIN, picture, write_json

from hrpose.convert.programs.cvat import read
from hrpose.errors import DataError

# the drawing of a skeleton, in the form of CVAT's
DRAWING = (
    '&lt;line x1="1" y1="2" data-type="edge" data-node-from="2" data-node-to="1"&gt;&lt;/line&gt;'
    '&lt;circle r="0.75" data-type="element node" data-node-id="1" data-label-name="nose"&gt;'
    '&lt;/circle&gt;&lt;circle data-node-id="2" data-label-name="tail"&gt;&lt;/circle&gt;'
)
SKELETON = f"""
<label><name>mouse</name><type>skeleton</type><svg>{DRAWING}</svg></label>
<label><name>nose</name><type>points</type><parent>mouse</parent></label>
<label><name>tail</name><type>points</type><parent>mouse</parent></label>
<label><name>cage</name><type>bbox</type></label>
"""


def export(folder: Path, shapes: str, labels: str = SKELETON, size: str = 'width="200"') -> Path:
    picture(folder / "images" / "day1" / "a.png")
    (folder / "annotations.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
        f"<meta><task><id>3</id><labels>{labels}</labels></task></meta>"
        f'<image id="5" name="day1/a.png" {size} height="100">{shapes}</image></annotations>'
    )
    return folder


def point(label: str, at: str, more: str = "") -> str:
    return f'<points label="{label}" source="manual" occluded="0" points="{at}" {more}></points>'


def test_a_skeleton_is_an_animal(tmp_path: Path) -> None:
    labels = read(
        export(
            tmp_path,
            '<skeleton label="mouse" source="manual" z_order="0">'
            '<points label="tail" outside="0" occluded="1" points="12.25,30.50"></points>'
            '<points label="nose" outside="1" occluded="0" points="1.00,2.00"></points>'
            "</skeleton>",
        ),
        PLAIN,
    )
    (category,), (animal,), (image,) = labels.categories, labels.animals, labels.images
    assert (category.name, category.keypoints) == ("mouse", ("nose", "tail"))  # as defined
    assert category.skeleton == (("tail", "nose"),)
    assert animal.visible.tolist() == [0, 1]
    assert np.isnan(animal.keypoints[0]).all() and animal.keypoints[1].tolist() == [12.25, 30.5]
    assert (image.name, image.group, image.source_id) == ("day1/a.png", "day1", "5")
    assert image.source == tmp_path / "images" / "day1" / "a.png"


def test_a_box_of_the_same_group_or_around_it_is_the_skeletons(tmp_path: Path) -> None:
    def mouse(x: int, more: str = "") -> str:
        return f'<skeleton label="mouse" {more}>{point("nose", f"{x},50")}</skeleton>'

    def box(left: int, right: int, more: str = "") -> str:
        edges = f'xtl="{left}" ytl="0.00" xbr="{right}.50" ybr="100.00"'
        return f'<box label="mouse" occluded="0" {edges} {more}></box>'

    shapes = mouse(10, 'group_id="1"') + mouse(90) + box(0, 150, 'group_id="1"') + box(80, 120)
    labels = read(export(tmp_path, shapes), PLAIN)
    assert [animal.box for animal in labels.animals] == [
        (0.0, 0.0, 150.5, 100.0),
        (80.0, 0.0, 40.5, 100.0),
    ]


def test_points_of_a_group_are_an_animal(tmp_path: Path) -> None:
    shapes = "".join(
        point(label, f"{x},{x}", f'group_id="{group}"')
        for label, x, group in [("ear", 1, 1), ("eye", 2, 1), ("ear", 3, 2)]
    )
    labels = read(export(tmp_path, shapes, "<label><name>ear</name></label>"), PLAIN)
    assert labels.categories[0].name == "animal"
    assert [animal.visible.tolist() for animal in labels.animals] == [[2, 2], [2, 0]]


def test_several_positions_in_one_shape_are_an_animal(tmp_path: Path) -> None:
    shapes = point("fly", "1,2;3,4") + point("fly", "5,6;7,8")
    labels = read(export(tmp_path, shapes, ""), PLAIN)
    assert labels.categories[0].keypoints == ("point1", "point2")
    assert [animal.keypoints.tolist() for animal in labels.animals] == [
        [[1.0, 2.0], [3.0, 4.0]],
        [[5.0, 6.0], [7.0, 8.0]],
    ]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (point("nose", "1;2"), "image day1/a.png: <points> 0: found points '1;2'; expected x,y"),
        (point("nose", "1,x"), "<points> 0: found 'x'; expected a finite number"),
        (point("n", "1,2") + point("n", "3,4"), "has the point 'n' twice; in CVAT give each"),
        ("", "there is no labelled point in its 1 images"),
        (
            f'<skeleton label="mouse">{point("ear", "1,2")}</skeleton>',
            "day1/a.png: point 'ear' is none of the keypoints of 'mouse': nose, tail",
        ),
    ],
)
def test_wrong_shapes_are_named(tmp_path: Path, shapes: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(export(tmp_path, shapes), PLAIN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "<annotations><track id='0'></track></annotations>",
            r"found 'CVAT for video 1.1' \(tracks",
        ),
        ("<annotation><object/></annotation>", "found XML with <annotation>; expected 'CVAT for"),
        ("<annotations><version>1.1</version></annotations>", "found no <image>"),
        ("<annotations><image", "annotations.xml: found XML or HTML"),
        ("PK\x03\x04", "annotations.xml: found a zip archive"),
        ("", "annotations.xml: found an empty file"),
    ],
)
def test_another_file_gets_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(DataError, match=words + ".*choose Export task dataset") as caught:
        read(tmp_path, PLAIN)
    assert "\n" not in str(caught.value)


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    path = export(tmp_path, point("nose", "1,2"), size='width="640"')
    with pytest.raises(DataError, match=r"a.png: labelled in 640 x 100 px, but the file has 200 x"):
        read(path, PLAIN)


def coco(**changes: Any) -> dict[str, Any]:
    """Two points of three labelled, in the form of CVAT's export: v 0 has coordinates."""
    annotation = {
        "id": 9,
        "image_id": 4,
        "category_id": 2,
        "bbox": [10.5, 20, 30, 40],
        "area": 1200.0,
        "iscrowd": 0,
        "attributes": {"occluded": False, "track_id": 6},
        "keypoints": [10.5, 20, 2, 40.5, 60, 1, 7, 8, 0],
        "num_keypoints": 2,
    }
    names = ["nose", "ear", "tail"]
    return {
        "images": [{"id": 4, "file_name": "a.png", "width": 200, "height": 100}],
        "annotations": [annotation | changes],
        "categories": [
            {"id": 1, "name": "cage", "keypoints": [], "skeleton": []},
            {"id": 2, "name": "mouse", "keypoints": names, "skeleton": [[1, 3]]},
        ],
    }


def coco_export(folder: Path, content: Any) -> Path:
    picture(folder / "images" / "default" / "a.png")
    write_json(folder / "annotations" / "person_keypoints_default.json", content)
    return folder


def test_coco_keypoints_of_cvat(tmp_path: Path) -> None:
    labels = read(coco_export(tmp_path, coco()), PLAIN)
    (animal,) = labels.animals
    assert animal.keypoints[:2].tolist() == [[10.5, 20.0], [40.5, 60.0]]
    assert np.isnan(animal.keypoints[2]).all()
    assert animal.visible.tolist() == [2, 1, 0]
    assert (animal.box, animal.area) == ((10.5, 20.0, 30.0, 40.0), 1200.0)
    assert (animal.individual, animal.source_id, labels.images[0].source_id) == ("6", 9, 4)
    assert [category.name for category in labels.categories] == ["mouse"]
    assert labels.categories[0].skeleton == (("nose", "tail"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": []}, "found a dict without annotations; expected COCO keypoints"),
        ([], "found a list without images"),
        (
            coco() | {"categories": [{"id": 2, "name": "mouse"}]},
            "found categories without keypoints",
        ),
        (coco(keypoints=[1, 2, 2]), "annotation 9: found 3 numbers of keypoints; expected 3 x 3"),
        (coco(keypoints=[1, 2, 5] * 3), "annotation 9: found a visibility that is not 0, 1 or 2"),
        (coco(bbox=[1, 2]), r"annotation 9: bbox: found \[1, 2\]; expected 4 numbers"),
        (coco(bbox=[1, 2, 3, None]), "annotation 9: bbox: found None; expected a finite number"),
        (coco(image_id=[4]), r"annotation 9: image_id: found \[4\]; expected an id"),
        (coco(image_id=77), "annotation 9: image_id 77 is no image of the file"),
        (coco(category_id=1), "category_id 1 is no category with keypoints"),
    ],
)
def test_wrong_coco_is_told(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(coco_export(tmp_path, content), PLAIN)


def test_a_folder_without_an_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"found neither annotations.xml nor annotations/person_key"
    ):
        read(tmp_path, PLAIN)
