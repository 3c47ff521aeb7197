"""`hrpose check --html`: the page of what was found."""

import sys

import pytest

from hrpose.browse.faults import MOST_PICTURES, Looked, worst
from hrpose.cli import main
from hrpose.datasets.faults import Fault, Place


@pytest.fixture
def check(farm, monkeypatch, capsys):
    """Run the verb on the farm: the status and the page."""

    def do(*words, page=()):
        out = farm.folder / "check.html"
        config = str(farm.page(*page))
        monkeypatch.setattr(sys, "argv", ["hrpose", "check", config, "--html", str(out), *words])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        capsys.readouterr()
        return status, out.read_text(encoding="utf-8") if out.exists() else ""

    return do


def test_the_animal_concerned_has_its_picture_and_the_sentence(check, farm, sound):
    farm.content["annotations"][2]["bbox"] = [100, 80, 10, 10]
    status, text = check("--splits", "train")
    seen = sound(text)
    assert status == 1  # the page is not ready for training; the data have only warnings
    (card,) = [image["alt"] for image in seen.all("img") if "annotation 52" in image["alt"]]
    assert card.startswith("train, cat2.png, annotation 52: ") and "outside" in card
    assert seen.text.count("warning") >= 2  # in the table, and with the picture
    links = [one["href"] for one in seen.all("a") if one["href"].startswith("#card-")]
    ids = {attributes.get("id") for _, attributes in seen.elements}
    assert links and {link[1:] for link in links} <= ids


def test_names_and_messages_are_text(check, farm, sound):
    farm.content["annotations"][0]["bbox"] = [100, 80, 10, 10]
    farm.content["categories"].append({"id": 7, "name": "<b>none</b>"})
    _, text = check("--splits", "train")
    seen = sound(text)
    assert "<b>none" not in text and "<script>alert" not in text
    assert "<script>alert(1)</script>" in seen.text  # with the colours
    assert "<b>none</b>" in seen.text  # a category that no annotation has


def test_a_data_set_that_cannot_be_read_has_its_line(check, farm, sound):
    _, text = check("--splits", "train", "val", page=["data['val']['ann_file'] = 'gone.json'"])
    seen = sound(text)
    assert "train : 4 animals" in seen.text
    assert "val : DataError" in seen.text and "gone.json" in seen.text


def test_images_that_cannot_be_used_are_listed(check, farm, sound):
    (farm.folder / "images/cat1.png").write_bytes(b"")
    farm.content["annotations"][1]["bbox"] = [100, 80, 10, 10]
    seen = sound(check("--splits", "train")[1])
    assert "1 image cannot be used" in seen.text
    assert seen.text.count("cat1.png: the file is empty") == 2  # in the list, and for its picture


def test_an_animal_that_was_left_out_is_shown_too(check, farm, sound):
    for entry in farm.content["annotations"][:2]:
        entry["bbox"] = [10, 20, 0, 60]
    seen = sound(check("--splits", "train")[1])
    shown = " ".join(image["alt"] for image in seen.all("img"))
    assert "annotation 50" in shown and "annotation 51" in shown


def test_no_fault_hides_another():
    """Of a fault with hundreds of animals and one with two, all of the second are shown."""
    looked = Looked("train")
    many = Fault("outside-box", "warning", "300 outside", "", "a.json", places(range(300)))
    few = Fault("swapped", "warning", "2 swapped", "", "a.json", places([400, 3]))
    shown = worst([(looked, few), (looked, many)])
    assert len(shown) == MOST_PICTURES
    assert [one.place.annotation_id for one in shown[:4]] == [400, 0, 3, 1]
    assert [fault.what for fault in shown[2].faults] == ["2 swapped", "300 outside"]


def test_notes_come_last_and_with_three_examples():
    looked = Looked("train")
    note = Fault("outside-image", "note", "300 outside", "", "a.json", places(range(300)))
    few = Fault("swapped", "warning", "2 swapped", "", "a.json", places([400, 401]))
    shown = worst([(looked, few), (looked, note)])
    assert [one.place.annotation_id for one in shown] == [400, 401, 0, 1, 2]


def places(numbers):
    return tuple(Place(number, number, f"{number}.png") for number in numbers)


@pytest.mark.parametrize("name", ["check.htm", "nowhere/check.html"])
def test_a_wrong_file_is_refused_before_any_work(farm, monkeypatch, capsys, name):
    words = ["hrpose", "check", str(farm.page()), "--html", str(farm.folder / name)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == "" and "--html" in err
