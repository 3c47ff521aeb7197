"""Ids of annotations and results."""

import json

import numpy as np
import pytest
from scoring_cases import META as PET
from scoring_cases import labels as pets
from scoring_cases import write

from hrpose.errors import DataError
from hrpose.metrics import PCK, CocoAP, write_predictions
from hrpose.metrics.results.scorer import Scorer, ScoringSettings
from hrpose.structures import Labels, Predictions

KINDS = {
    "strings": (lambda n: f"img-{n}", lambda n: f"a{n}"),
    "digits": (lambda n: f"{n:012d}", lambda n: str(n)),
    "large": (lambda n: 2**70 + n, lambda n: 2**64 + n),
    "names": (lambda n: f"dao-{n}.png", lambda n: f"dao-{n}/0"),
    "negative": (lambda n: -n - 1, lambda n: -n - 1),
    "from 0": (lambda n: n, lambda n: n - 7),
}


def renamed(herd, image, animal):
    """The herd with other ids, opened; three images with animals next to each other's."""
    for part in herd.content["images"]:
        part["id"] = image(part["id"])
    for number, part in enumerate(herd.content["annotations"]):
        part["image_id"], part["id"] = image(part["image_id"]), animal(part["id"])
        part["keypoints"] = [v + number * (k % 3 < 2) for k, v in enumerate(part["keypoints"])]
    return herd.open()


def perfect(data) -> Predictions:
    truth = data.truth()
    count = len(truth)
    scores = np.ones(truth.visible.shape, np.float32)
    return Predictions(truth.keypoints, scores, np.arange(count), truth.areas)


def scored(data, path):
    labels = Labels(data.truth(), data.coco(), data.meta)
    metrics = [CocoAP(sigmas=[0.1] * 4), PCK(norm="box", thr=0.01)]
    scorer = Scorer(metrics, labels, ScoringSettings(resamples=0))
    return scorer.score(scorer.read(path)).values


@pytest.mark.fault(
    name="ids that are strings, large, negative, or from 0",
    does="image and annotation ids of each of these kinds; results of a perfect model are scored",
    expects="they come back in predictions.json as they were, and the score is 1",
)
@pytest.mark.parametrize("kind", KINDS)
def test_ids_travel(herd, tmp_path, happened, kind):
    image, animal = KINDS[kind]
    data = renamed(herd, image, animal)
    path = tmp_path / "predictions.json"
    write_predictions(perfect(data), data.truth(), path, data.coco())
    rows = json.loads(path.read_text())
    assert [row["image_id"] for row in rows] == [part["id"] for part in herd.content["images"]]
    given = [part["id"] for part in herd.content["annotations"]]
    assert [row["annotation_id"] for row in rows] == given
    values = scored(data, path)
    assert values["AP"] == values["PCK@0.01"] == 1
    happened("predictions.json has the ids of the annotation file; AP 1.0000, PCK 1.0000")


WAYS = {
    "file_name": lambda n: f"dao-{n}.png",
    "stem": lambda n: f"dao-{n}",
    "folder and stem": lambda n: f"dao-{n}",
    "number for a string": lambda n: n,
    "number without zeros": lambda n: n,
    "string for a number": lambda n: str(n),
}


@pytest.mark.fault(
    name="results that name images otherwise",
    does="image_id is the file_name or its stem; a number for the string '3' or '000000000003'",
    expects="matched: the score is that of the same results with the ids of the file",
)
@pytest.mark.parametrize("way", WAYS)
def test_results_name_images(herd, tmp_path, happened, way):
    digits = {"number for a string": str, "number without zeros": lambda n: f"{n:012d}"}
    if way == "folder and stem":
        (herd.folder / "barn").mkdir()
        for part in herd.content["images"]:
            part["file_name"] = f"barn/{part['file_name']}"
    data = renamed(herd, digits.get(way, lambda n: n), lambda n: n)
    path = tmp_path / "predictions.json"
    write_predictions(perfect(data), data.truth(), path)
    rows = json.loads(path.read_text())
    for number, row in enumerate(rows):
        row["image_id"] = WAYS[way](number)
        del row["annotation_id"]
    write(path, rows)
    values = scored(data, path)
    assert values["AP"] == values["PCK@0.01"] == 1
    happened("AP 1.0000 and PCK 1.0000, as with the ids of the file")


@pytest.mark.fault(
    name="results with ids of something else",
    does="image_id counts from 1 where the file has strings; a name that two images have",
    expects="refused, naming the entry and an id of the annotations, instead of AP 0",
)
@pytest.mark.parametrize("image_id", [1, "dao"])
def test_results_of_something_else(herd, tmp_path, happened, image_id):
    for number, part in enumerate(herd.content["images"]):
        part["file_name"] = f"{number}/dao.png"
    data = renamed(herd, lambda n: f"barn-{n}", lambda n: n)
    path = tmp_path / "predictions.json"
    write_predictions(perfect(data), data.truth(), path)
    rows = json.loads(path.read_text())
    for row in rows:
        row["image_id"] = image_id
    write(path, rows)
    with pytest.raises(DataError, match="no such image in the annotations") as caught:
        scored(data, path)
    text = str(caught.value)
    assert f"entry 0 (image_id {image_id!r})" in text and "Ids there are like 'barn-0'" in text
    happened(f"DataError: {text.replace(f'{tmp_path}/', '')}")


@pytest.mark.fault(
    name="image ids that are strings in one list and numbers in the other",
    does="images have the id 3, the annotations say image_id '3'",
    expects="refused, naming the annotation and what there is",
)
def test_strings_here_and_numbers_there(herd, happened):
    herd.first["image_id"] = "0"
    with pytest.raises(
        DataError, match="annotation 7: image_id '0' is not among 'images'"
    ) as caught:
        herd.open()
    assert "there is 0: write both as numbers, or both as strings" in str(caught.value)
    happened(f"DataError: {str(caught.value).replace(f'{herd.root}/', '')}")


@pytest.mark.fault(
    name="results of an unknown annotation",
    does="annotation_id is a string that no annotation has; one that has answered already",
    expects="refused, naming entry and annotation as the file calls them",
)
def test_unknown_annotation(tmp_path, happened):
    labels = pets()
    for part in labels.coco["annotations"]:
        part["source_id"] = f"pet-{part['id']}"
    row = {"image_id": 10, "score": 1, "keypoints": [1] * 6, "annotation_id": "cat"}
    scorer = Scorer([PCK()], labels, ScoringSettings(resamples=0))
    assert labels.meta is PET
    with pytest.raises(DataError, match="no annotation has the id 'cat'"):
        scorer.read(write(tmp_path / "a.json", [row]))
    row["annotation_id"] = "pet-1"
    with pytest.raises(DataError, match="entry 0 answers annotation pet-1 already"):
        scorer.read(write(tmp_path / "a.json", [row, row]))
    with pytest.raises(DataError, match="2 of 3 animals have no answer: annotation pet-2, pet-3"):
        scorer.read(write(tmp_path / "a.json", [row]))
    happened("DataError: entry 0 (image_id 10): no annotation has the id 'cat'")
