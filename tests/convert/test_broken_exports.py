"""Whatever part of an export is missing or of another kind: labels, or one line that says it."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from foreign_exports import PLAIN, picture, write_json
from test_read_cvat import coco, coco_export
from test_read_cvat import export as cvat_export
from test_read_cvat import point as cvat_point
from test_read_labelme import shape, sheet
from test_read_labelstudio import box, export, point, relation, task
from test_read_macaque import TRIANGLE, macaques, monkey
from test_read_ultralytics import YAML, dataset

from hrpose.convert.official import ak, animalpose, macaque
from hrpose.convert.programs import cvat, labelme, labelstudio, ultralytics
from hrpose.errors import DataError

WRONG = [None, "x", [], {}, -1, float("inf"), [[1]]]
GONE = object()

Write = Callable[[Any], object]
Read = Callable[[], object]


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(content, dict):
        for key in content:
            yield from places(content[key], (*path, key))
    elif isinstance(content, list):
        for place in range(min(len(content), 3)):
            yield from places(content[place], (*path, place))


def changed(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    whole = part = copy.deepcopy(content)
    for key in path[:-1]:
        part = part[key]
    if value is GONE:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return whole


def of_labelstudio(folder: Path) -> tuple[Any, Write, Read]:
    regions = [box("b", 1, 2, 30, 40), point("n", "nose", 2, 5, parent="b"), relation("n", "b")]
    path = export(folder)
    content = [task(*regions)]
    return content, lambda new: write_json(path, new), lambda: labelstudio.read(path, PLAIN)


def of_labelme(folder: Path) -> tuple[Any, Write, Read]:
    picture(folder / "a.png")
    mouse = shape("m", "rectangle", [1, 2], [3, 4], group=1)
    nose = shape("n", "point", [1, 2], group=1, flags={"occluded": True})
    path = folder / "a.json"
    return (
        sheet(mouse, nose),
        lambda new: write_json(path, new),
        lambda: labelme.read(path, PLAIN),
    )


def of_coco(folder: Path) -> tuple[Any, Write, Read]:
    return coco(), lambda new: coco_export(folder, new), lambda: cvat.read(folder, PLAIN)


def of_ultralytics(folder: Path) -> tuple[Any, Write, Read]:
    dataset(folder)
    path = folder / "data.yaml"
    return (
        yaml.safe_load(YAML),
        lambda new: path.write_text(yaml.safe_dump(new)),
        lambda: ultralytics.read(folder, PLAIN),
    )


def of_animalpose(folder: Path) -> tuple[Any, Write, Read]:
    picture(folder / "images" / "a.jpg")
    animal = {"image_id": 1, "category_id": 4, "bbox": [1, 2, 3, 4], "keypoints": [[1, 2, 1]]}
    content = {
        "images": {"1": "a.jpg"},
        "annotations": [animal],
        "categories": [{"id": 4, "name": "dog", "keypoints": ["nose"]}],
    }
    path = folder / "keypoints.json"
    return content, lambda new: write_json(path, new), lambda: animalpose.read(folder, PLAIN)


def of_animal_kingdom(folder: Path) -> tuple[Any, Write, Read]:
    picture(folder / "dataset" / "a.jpg")
    content = [{"image": "a.jpg", "joints": [[1, 2]] * 23, "joints_vis": [1] * 23}]
    path = folder / "ak_P1" / "test.json"
    return content, lambda new: write_json(path, new), lambda: ak.read(folder, PLAIN)


def of_macaque(folder: Path) -> tuple[Any, Write, Read]:
    return (
        [[monkey(1, 2)], [TRIANGLE]],
        lambda new: macaques(folder, [("a.png", *([*list(new), 0, 0])[:2])]),
        lambda: macaque.read(folder, PLAIN),
    )


@pytest.mark.parametrize(
    "make",
    [
        of_labelstudio,
        of_labelme,
        of_coco,
        of_ultralytics,
        of_animalpose,
        of_animal_kingdom,
        of_macaque,
    ],
)
def test_one_part_of_another_kind(
    tmp_path: Path, make: Callable[[Path], tuple[Any, Write, Read]]
) -> None:
    content, write, read = make(tmp_path)
    write(content)
    read()
    told = 0
    for path in places(content):
        for value in [*WRONG, GONE]:
            write(changed(content, path, value))
            try:
                read()
            except DataError as error:
                told += 1
                assert "\n" not in str(error), (path, value)
    assert told > 20


def test_one_attribute_of_cvats_xml_of_another_kind(tmp_path: Path) -> None:
    shapes = (
        f'<skeleton label="mouse" group_id="1">{cvat_point("nose", "1,2", "outside=&q0&q")}'
        '</skeleton><box label="mouse" xtl="0" ytl="0" xbr="9" ybr="9" group_id="1"></box>'
    ).replace("&q", '"')
    text = (cvat_export(tmp_path, shapes) / "annotations.xml").read_text()
    cvat.read(tmp_path, PLAIN)
    told = 0
    for found in re.finditer(r'(\w+)="[^"]*"', text[text.index("<image") :]):
        for value in ("", "x", "nan", "-1", None):
            new = "" if value is None else f'{found[1]}="{value}"'
            whole = text.replace(found[0], new)
            (tmp_path / "annotations.xml").write_text(whole)
            try:
                cvat.read(tmp_path, PLAIN)
            except DataError as error:
                told += 1
                assert "\n" not in str(error), (found[0], value)
    assert told > 20
