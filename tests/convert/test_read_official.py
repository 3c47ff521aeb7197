"""The published data sets in the layouts that they are published in, made small by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_exports import PLAIN, picture, write_json

from hrpose.config.page import load
from hrpose.convert.formats import FORMATS, load_format
from hrpose.convert.official import ak, animalpose, ap10k, atrw, macaque, names
from hrpose.convert.official.parts import drawn_parts
from hrpose.engine.experiment import read_dataset
from hrpose.errors import DataError

ROOT = Path(__file__).parents[2]


def coco(meta: Any, images: list[str], keypoints: list[float], own: Any = None) -> dict[str, Any]:
    rows = [
        {"id": place, "file_name": name, "width": 200, "height": 100}
        for place, name in enumerate(images, 1)
    ]
    animals = [
        {"id": 10 * row["id"], "image_id": row["id"], "category_id": 3, "keypoints": keypoints}
        | {"bbox": [0, 0, 50, 60], "area": 3000, "iscrowd": 0}
        for row in rows
    ]
    category = {
        "id": 3,
        "name": "beast",
        "keypoints": list(own or meta.names),
        "skeleton": [[0, 2]],
    }
    return {"images": rows, "annotations": animals, "categories": [category]}


@pytest.mark.parametrize(
    "name", ["horse10", "macaque", "atrw", "ap10k", "animalpose", "animal_kingdom"]
)
def test_keypoints_are_those_of_the_pages(name: str) -> None:
    page = load(ROOT / f"configs/_base_/keypoints/{name.replace('_', '')}.py")["keypoints"]
    meta = getattr(names, name.upper())
    assert list(meta.names) == page["names"]
    assert {frozenset(pair) for pair in page["flip_pairs"]} == set(map(frozenset, meta.pairs))
    assert [tuple(limb) for limb in page["skeleton"]] == list(meta.limbs)
    if name == "ap10k":
        assert tuple(page["aliases"]) == ap10k._OFFICIAL


def test_atrw_has_filename_and_counts_limbs_from_0(tmp_path: Path) -> None:
    for part, name in (("train", "000001.jpg"), ("val", "000002.jpg")):
        content = coco(names.ATRW, [name], [0, 0, 0] * 14 + [592, 277, 2])
        for row in content["images"]:
            row["filename"] = row.pop("file_name")
        write_json(tmp_path / f"keypoint_{part}.json", content)
        picture(tmp_path / part / name)
    labels = atrw.read(tmp_path, PLAIN)
    assert labels.split == {"keypoint_train": [0], "keypoint_val": [1]}
    assert [image.name for image in labels.images] == ["000001.jpg", "000002.jpg"]
    assert labels.animals[1].keypoints[14].tolist() == [592.0, 277.0]
    assert labels.animals[1].visible.sum() == 2
    assert labels.categories[0].skeleton == names.ATRW.limbs
    (tmp_path / "keypoint_val.json").unlink()
    with pytest.raises(DataError, match=r"found 0 keypoint_val.json; expected ATRW's"):
        atrw.read(tmp_path, PLAIN)


def test_keypoints_in_another_order_are_refused(tmp_path: Path) -> None:
    other = [names.ATRW.names[1], names.ATRW.names[0], *names.ATRW.names[2:]]
    for part in ("train", "val"):
        content = coco(names.ATRW, ["a.png"], [0] * 45, other)
        write_json(tmp_path / f"keypoint_{part}.json", content)
    with pytest.raises(
        DataError, match=r"keypoints of 'beast' are right_ear, left_ear, .*expected"
    ):
        atrw.read(tmp_path, PLAIN)


def test_ap10k_has_each_split_as_a_part(tmp_path: Path) -> None:
    own = ap10k._OFFICIAL
    for part, images in (("train-split1", ["1.jpg", "2.jpg"]), ("test-split2", ["2.jpg"])):
        content = coco(names.AP10K, images, [5, 6, 2] * 17, own)
        write_json(tmp_path / "annotations" / f"ap10k-{part}.json", content)
    for name in ("1.jpg", "2.jpg"):
        picture(tmp_path / "data" / name)
    labels = ap10k.read(tmp_path, PLAIN)
    assert labels.split == {"ap10k-test-split2": [0], "ap10k-train-split1": [1, 0]}
    assert len(labels.animals) == 2  # the image in both has its animals once
    assert labels.categories[0].keypoints == names.AP10K.names
    assert labels.image_folder == "data"
    assert labels.notes == []
    content["annotations"] = []
    write_json(tmp_path / "annotations" / "ap10k-val-split3.json", content)
    (note,) = ap10k.read(tmp_path, PLAIN).notes
    assert note.startswith("WARNING: 1 images of ap10k-val-split3 have other animals there")


def animal_xml(image: str, kind: str, points: str, bounds: str) -> str:
    return (
        f"<annotation><image>{image}</image><category>{kind}</category>"
        f"<visible_bounds {bounds} /><keypoints>{points}</keypoints></annotation>"
    )


def test_both_parts_of_animal_pose(tmp_path: Path) -> None:
    first = tmp_path / "PASCAL2011_animal_annotation" / "cat" / "2007_000528_1.xml"
    second = tmp_path / "animalpose_anno2" / "horse" / "ho105.xml"
    for path in (first, second):
        path.parent.mkdir(parents=True)
    first.write_text(
        animal_xml(
            "2007_000528",
            "cat",
            '<keypoint name="R_EarBase" visible="1" x="3.5" y="4" z="0"/>'
            '<keypoint name="L_Eye" visible="0" x="0" y="0" z="0"/>',
            'height="30" width="20" xmin="1" ymin="2"',
        )
    )
    second.write_text(
        animal_xml(
            "ho105.jpeg",
            "horse",
            '<keypoint name="R_ear" visible="1" x="5" y="6"/>'
            '<keypoint name="L_B_elbow" visible="1" x="7" y="8"/>',
            'height="40" width="30" xmax="9" xmin="8"',  # ymin under a wrong name, as published
        )
    )
    picture(tmp_path / "VOC2012" / "JPEGImages" / "2007_000528.jpg")
    picture(tmp_path / "animalpose_image_part2" / "horse" / "ho105.jpeg")
    labels = animalpose.read(tmp_path, PLAIN)
    cat, horse = labels.animals
    assert [image.name for image in labels.images] == [
        "VOC2012/JPEGImages/2007_000528.jpg",
        "animalpose_image_part2/horse/ho105.jpeg",
    ]
    right_ear, elbow = names.ANIMALPOSE.names.index("R_EarBase"), 10
    assert cat.keypoints[right_ear].tolist() == [3.5, 4.0] and cat.visible.sum() == 2
    assert cat.box == (1.0, 2.0, 20.0, 30.0)
    assert horse.keypoints[[right_ear, elbow]].tolist() == [[5.0, 6.0], [7.0, 8.0]]
    assert horse.box == (8.0, 9.0, 30.0, 40.0)
    assert [category.name for category in labels.categories] == ["animal"]  # as in MMPose's files
    assert labels.split is not None and labels.split["animalpose_test"] == [1]
    assert "not the published table's" in labels.notes[0]


def test_animal_pose_as_json(tmp_path: Path) -> None:
    content = {
        "images": {"1": "2007_000063.jpg"},
        "annotations": [
            {
                "image_id": 1,
                "category_id": 4,
                "bbox": [10, 20, 110, 70],
                "keypoints": [[1, 2, 1], [0, 0, 0], [5, 6, 1]],
                "num_keypoints": 2,
            }
        ],
        "categories": [
            {"id": 4, "name": "dog", "keypoints": ["right_back_paw", "nose", "left_front_knee"]}
        ],
    }
    write_json(tmp_path / "keypoints.json", content)
    picture(tmp_path / "images" / "2007_000063.jpg")
    (animal,) = animalpose.read(tmp_path, PLAIN).animals
    assert animal.box == (10.0, 20.0, 100.0, 50.0)
    seen = {
        name: animal.keypoints[row].tolist()
        for row, name in enumerate(names.ANIMALPOSE.names)
        if animal.visible[row]
    }
    assert seen == {"R_B_Paw": [1.0, 2.0], "L_F_Knee": [5.0, 6.0]}
    content["categories"][0]["keypoints"][0] = "whisker"  # type: ignore[index]
    write_json(tmp_path / "keypoints.json", content)
    with pytest.raises(DataError, match="annotation 0: keypoint 'whisker' is none of L_Eye"):
        animalpose.read(tmp_path, PLAIN)


def test_animal_kingdom_in_the_form_of_mpii(tmp_path: Path, data_dir: Path) -> None:
    """MMPose's sample, put back into the official form: the box is MMPose's again."""
    folder = data_dir / "mmpose-samples" / "ak"
    sample = json.loads((folder / "test_animalkingdom.json").read_text())
    entry = sample["annotations"][0]
    triples = np.array(entry["keypoints"]).reshape(-1, 3)
    row = {
        "image": sample["images"][0]["file_name"],
        "animal_parent_class": "Mammal",
        "joints": triples[:, :2].tolist(),
        "joints_vis": triples[:, 2].tolist(),
    }
    write_json(tmp_path / "annotation" / "ak_P1" / "test.json", [row])
    picture(tmp_path / "dataset" / row["image"], 640, 360)
    labels = ak.read(tmp_path, PLAIN)
    (animal,) = labels.animals
    assert animal.box == pytest.approx(entry["bbox"])
    assert animal.visible.tolist() == (2 * triples[:, 2]).tolist()
    assert labels.split == {"ak_P1/test": [0]}
    assert labels.categories[0].name == "Mammal"
    row["joints_vis"] = [1]
    write_json(tmp_path / "annotation" / "ak_P1" / "test.json", [row])
    with pytest.raises(DataError, match=r"entry 0: found joints_vis \[1\]; expected 23"):
        ak.read(tmp_path, PLAIN)


def release_of_ap10k(folder: Path) -> list[float]:
    for place, part in enumerate(("train", "val", "test")):
        name = f"{place}.jpg"
        content = coco(names.AP10K, [name], [5, 6, 2] * 17, ap10k._OFFICIAL)
        write_json(folder / "annotations" / f"ap10k-{part}-split1.json", content)
        picture(folder / "data" / name)
    return [5, 6]


def release_of_animalpose(folder: Path) -> list[float]:
    for place, kind in enumerate(("cat", "dog") * 5):
        path = folder / "PASCAL2011_animal_annotation" / kind / f"{place}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = '<keypoint name="L_Eye" visible="1" x="3.5" y="4" z="0"/>'
        bounds = 'height="30" width="20" xmin="1" ymin="2"'
        path.write_text(animal_xml(f"2007_{place}", kind, points, bounds))
        picture(folder / "VOC2012" / "JPEGImages" / f"2007_{place}.jpg")
    return [3.5, 4]


def release_of_ak(folder: Path) -> list[float]:
    for part in ("train", "test"):
        row = {
            "image": f"A/{part}.jpg",
            "animal_parent_class": "Bird",
            "joints": [[20, 30], [50, 60], *[[-1, -1]] * 21],
            "joints_vis": [1, 1, *[0] * 21],
        }
        write_json(folder / "annotation" / "ak_P1" / f"{part}.json", [row])
        picture(folder / "dataset" / row["image"])
    return [20, 30]


@pytest.mark.parametrize("release", [release_of_ap10k, release_of_animalpose, release_of_ak])
def test_what_is_converted_is_what_the_pages_read(release, tmp_path: Path, convert) -> None:
    name = release.__name__.removeprefix("release_of_")
    first = release(tmp_path / "release")
    assert convert(name, tmp_path / "release", tmp_path / "out")[0] == 0
    path = sorted((ROOT / f"configs/animal/hrnet/{name}").glob("hrnet_w32_*.py"))[0]
    page = load(path, [f"data.root='{tmp_path / 'out'}'"])
    for split in ("train", "val", "test"):
        dataset = read_dataset(page, split)
        assert len(dataset) and dataset.left_out == []
        record = dataset.record(0, 0)
        assert record["keypoints"][0].tolist() == first
        assert Path(record["image_path"]).is_file()
        assert len(dataset.coco()["categories"]) == 1


def test_a_drawn_part_does_not_hang_on_the_order() -> None:
    files = [f"{n}.jpg" for n in range(100)]
    parts = drawn_parts(files, {"train": 0.75, "test": 0.25})
    assert (len(parts["train"]), len(parts["test"])) == (75, 25)
    back = drawn_parts(files[::-1], {"train": 0.75, "test": 0.25})
    assert {files[n] for n in parts["test"]} == {files[::-1][n] for n in back["test"]}


@pytest.mark.parametrize("module", [ak, animalpose, ap10k, atrw, macaque])
def test_another_folder_is_told(tmp_path: Path, module: Any) -> None:
    with pytest.raises(DataError, match=r"found .*; expected .*; unpack") as caught:
        module.read(tmp_path, PLAIN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in FORMATS if not FORMATS[name].needs])
def test_each_format_of_the_table_has_a_reader(name: str) -> None:
    assert callable(load_format(name, FORMATS).read)
