import dataclasses
import re

import numpy as np
import pytest
from scoring_cases import META, entry, labels, write

from hrpose.errors import DataError
from hrpose.metrics.results.images import image_list
from hrpose.metrics.results.match import match
from hrpose.metrics.results.read import read_answers


@pytest.fixture
def matched(tmp_path):
    def run(*rows, **options):
        answers = read_answers(write(tmp_path / "a.json", list(rows)), META)
        return match(answers, labels(), **options)

    return run


def test_by_annotation_else_by_image(matched):
    found = matched(entry(11, 3), entry(12), entry(10), entry(11, 2), entry(12, 4))
    assert found.animals.tolist() == [2, -1, 0, 1, -1]
    assert found.trouble is None
    assert found.notes == ["2 of 5 entries answer no animal with labelled points: not counted"]
    assert found.by_instance().index.tolist() == [2, 0, 1]


def test_as_detections_all_count(matched):
    truth = labels().truth
    predictions, extended = matched(entry(12), entry(10, 1), entry(10)).by_image(truth)
    assert predictions.index.tolist() == [3, 0, 4]
    assert extended.image_ids[predictions.index].tolist() == [12, 10, 10]
    either = matched(entry(10), entry(10))  # neither is the animal's more than the other
    assert either.animals.tolist() == [-1, -1]
    assert extended.category_ids.tolist() == [1] * 5
    assert extended.visible[3:].sum() == 0 and len(truth) == 3
    assert predictions.instance_scores.tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([entry(10), entry(13)], r"entry 1 \(image_id 13\): no such image in the annotations; are"),
        ([entry(10), entry(13), entry(14)], r"\(and 1 more such entries\); are the predictions of"),
        ([entry(10), entry(11, 9)], r"entry 1 \(image_id 11\): no annotation has the id 9"),
        ([entry(10, 2)], r"entry 0 \(image_id 10\): annotation 2 is of image 11"),
        (
            [entry(11, 2), entry(10), entry(11, 2)],
            r"entry 2 \(image_id 11\): entry 0 answers annotation 2 already; keep one",
        ),
        ([entry(10, category_id=5)], r"entry 0 .*category_id 5 is not among those .*\[1\]"),
    ],
)
def test_what_cannot_be_is_an_error(matched, rows, message):
    with pytest.raises(DataError, match=message):
        matched(*rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([entry(10), entry(11)], "entry 1 (image_id 11) has no annotation_id, and its image has 2"),
        ([entry(10), entry(10)], "entry 1 (image_id 10): entry 0 answers annotation 1 already"),
        ([entry(10, 1), entry(10)], "entry 1 (image_id 10): entry 0 answers annotation 1 already"),
        ([entry(11, 3)], "2 of 3 animals have no answer: annotation 1, 2 (--allow-missing"),
        ([], "3 of 3 animals have no answer: annotation 1, 2, 3 ("),
    ],
)
def test_what_ap_can_do_without_is_trouble(matched, rows, message):
    assert message in matched(*rows).trouble


def test_missing_may_be_allowed(matched):
    found = matched(entry(11, 3), allow_missing=True)
    assert found.trouble is None
    assert found.by_instance().index.tolist() == [2]


def test_some_images_only(matched):
    some = labels().only({11, 12})
    assert some.image_ids() == {11, 12}
    assert some.truth.annotation_ids.tolist() == [2, 3]
    assert [part["id"] for part in some.coco["annotations"]] == [2, 3, 4]
    np.testing.assert_array_equal(some.truth.keypoints, labels().truth.keypoints[1:])


def test_lists_of_images(tmp_path):
    lines = tmp_path / "list.txt"
    lines.write_text("herd/10.png\n\n herd/12.png \nherd/99.png\n")
    assert image_list(str(lines), labels()) == {10, 12}
    table = tmp_path / "splits.csv"
    table.write_text(",train,within\n0,herd/10.png,herd/11.png\n1,herd/12.png,\n")
    assert image_list(f"{table}:within", labels()) == {11}
    assert image_list(f"{table}:train", labels()) == {10, 12}


def test_the_lists_of_the_benchmark(data_dir):
    """Counts of its README; every image of a table is named once."""
    folder = data_dir / "horse10-splits"
    counts = {1: (1470, 1459, 5185), 2: (1564, 1432, 5118), 3: (1386, 1329, 5399)}
    columns = ("trainIndices", "testIndices_withinDomain", "testIndices_acrossDomain")
    for split, expected in counts.items():
        table = folder / f"TrainTestInfo_shuffle{split}.csv"
        names = sorted(set(re.findall(r"labeled-data/\w+/\d+\.png", table.read_text())))
        images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
        everything = dataclasses.replace(labels(), coco={"images": images})
        lists = [image_list(f"{table}:{column}", everything) for column in columns]
        assert tuple(map(len, lists)) == expected
        assert len(set.union(*lists)) == len(names) == 8114


def test_bad_lists_of_images(tmp_path):
    table = tmp_path / "splits.csv"
    table.write_text(",train\n0,other/10.png\n")
    with pytest.raises(DataError, match=r"has no column 'within'; there are \['', 'train'\]"):
        image_list(f"{table}:within", labels())
    with pytest.raises(DataError, match=r"none of its 1 names is a file_name .*'herd/10.png'"):
        image_list(f"{table}:train", labels())
    with pytest.raises(DataError, match=r"nowhere.txt: cannot be read"):
        image_list(str(tmp_path / "nowhere.txt"), labels())
