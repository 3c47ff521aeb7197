"""`hrpose browse`: what a user sees of his samples."""

import base64
import sys

import cv2
import numpy as np
import pytest

from hrpose.cli import main
from hrpose.config import load
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError
from hrpose.visualize.colours import LEFT, RIGHT


@pytest.fixture
def browse(farm, monkeypatch, capsys):
    """Run the verb on the farm; the status, and the file's bytes or what was complained of."""

    def do(*words, name="out.html", page=()):
        out = farm.folder / name
        config = farm.page(*page)
        monkeypatch.setattr(
            sys, "argv", ["hrpose", "browse", str(config), "--out", str(out), *words]
        )
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        return status, capsys.readouterr().err if status else out.read_bytes()

    return do


def pictures(seen):
    """The RGB pictures of a page, in order."""
    for image in seen.all("img"):
        data = base64.b64decode(image["src"].partition(",")[2])
        yield cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def middle_of(picture, colour):
    """Mean x, as a share of the width, of what has about this colour and is round: its dots."""
    near = (np.abs(picture.astype(int) - colour) < 40).all(axis=2).astype(np.uint8)
    core = cv2.erode(near, np.ones((7, 7), np.uint8))
    assert core.any()
    return np.nonzero(core)[1].mean() / picture.shape[1]


def test_a_page_shows_each_animal_as_annotated_and_in_a_mirror(browse, sound):
    status, data = browse("--n", "3")
    seen = sound(data.decode())
    assert status == 0
    shown = [image["alt"].partition(", annotation ")[2] for image in seen.all("img")]
    assert [words.partition(", ")[2] for words in shown] == [
        "as annotated: 3 of 4 keypoints", "in a mirror: 1 pair changed places",
    ] * 3  # fmt: skip
    assert len({words.partition(",")[0] for words in shown}) == 3
    assert len(seen.all("section")) == 3
    assert "cats.json; drawn with seed 0." in seen.text
    assert "as annotated: 3 of 4 keypoints" in seen.text
    assert "left_paw" in seen.text and "has a side and no partner" not in seen.text


def test_in_the_mirror_the_sides_have_changed_colours(browse, sound):
    """The left paw is at x 60 of 120, the right one at 90: orange stands left of blue in both."""
    plain, mirrored = pictures(sound(browse("--ids", "50")[1].decode()))
    assert middle_of(plain, LEFT) < middle_of(plain, RIGHT)
    assert middle_of(mirrored, LEFT) < middle_of(mirrored, RIGHT)
    assert plain[:, :40].mean() < plain[:, -40:].mean()  # the photograph itself is mirrored
    assert mirrored[:, :40].mean() > mirrored[:, -40:].mean()


def test_a_pair_that_is_missing_shows(browse, sound):
    """Without the pair the paws keep their colours, so that in the mirror they stand the wrong way
    round; and their names are marked."""
    seen = sound(browse("--ids", "50", page=["keypoints['flip_pairs'] = []"])[1].decode())
    plain, mirrored = pictures(seen)
    assert middle_of(plain, LEFT) < middle_of(plain, RIGHT)
    assert middle_of(mirrored, LEFT) > middle_of(mirrored, RIGHT)
    assert seen.text.count("has a side and no partner") == 2
    assert "no pairs changed places" in seen.text


def test_names_are_text(browse, sound):
    """A keypoint, and a file, whose name is HTML."""
    _, data = browse("--n", "1")
    seen = sound(data.decode())
    assert "<script>alert(1)</script>" in seen.text
    assert b"<script>alert" not in data


def test_transformed_and_heatmaps(browse, sound):
    seen = sound(browse("--ids", "52", "--transformed", "--heatmaps")[1].decode())
    captions = [image["alt"].partition("annotation 52, ")[2] for image in seen.all("img")]
    assert [caption.partition(":")[0].partition(",")[0] for caption in captions] == [
        "as annotated", "in a mirror", "as the network gets it in epoch 0", "its targets",
        "as the network gets it in epoch 1", "its targets",
    ]  # fmt: skip
    assert captions[3].endswith(": 3 of 4") or captions[5].endswith(": 3 of 4")


@pytest.mark.parametrize(
    ("codec", "left", "right"),
    [
        ("MSRAHeatmap", 36, 52),  # cells 9 and 13 of 4 px: the nearest ones
        ("UDPHeatmap", 34.3, 51.1),  # 31.5 + 5 * 63 / 112.5, and 35 for 5
    ],
)
def test_targets_stand_where_the_points_are(browse, sound, codec, left, right):
    """The crop is 112.5 px wide around x 55, shown on 64: x 60 and 90 are at 34.8 and 51.9."""
    lines = [
        f"codec = dict(type='{codec}')",
        "test_pipeline = [dict(type='LoadImage'), dict(type='CropBox', input_size=(64, 64)), "
        f"dict(type='Warp', size=(64, 64), udp={codec == 'UDPHeatmap'})]",
    ]
    seen = sound(browse("--ids", "50", "--heatmaps", page=lines)[1].decode())
    *_, targets = pictures(seen)
    for colour, x in ((LEFT, left), (RIGHT, right)):
        assert glow_of(targets, colour) == pytest.approx((x + 0.5) / 64, abs=0.7 / 64)


def glow_of(picture, colour):
    """Where the middle of the glow of a colour is, as a share of the width."""
    hue = picture.astype(float) - picture.mean(axis=2, keepdims=True)
    tint = np.array(colour, float) - np.mean(colour)
    match = (hue * tint).sum(axis=2)
    bright = match > 0.9 * match.max()
    return np.nonzero(bright)[1].mean() / picture.shape[1]


def test_the_animals_that_are_asked_for(browse, sound):
    seen = sound(browse("--ids", "53", "cat1", "cat0.png")[1].decode())
    titles = [image["alt"].partition(", as annotated")[0] for image in seen.all("img")[::2]]
    assert titles == [f"cat{n}.png, annotation {50 + n}" for n in (3, 1, 0)]
    status, said = browse("--ids", "50", "cat9", "nothing")
    assert status == 2
    assert "'cat9' is no annotation id, file name or stem" in said and "'nothing'" in said
    assert "did you mean 'cat" in said


def test_the_seed_decides_which(browse, sound):
    drawn = {
        seed: [
            image["alt"]
            for image in sound(browse("--n", "2", "--seed", seed)[1].decode()).all("img")
        ]
        for seed in "0123"
    }
    assert drawn["0"] == [
        image["alt"] for image in sound(browse("--n", "2", "--seed", "0")[1].decode()).all("img")
    ]
    assert len({tuple(names) for names in drawn.values()}) > 1


def test_an_animal_that_is_left_out_says_why(browse, farm):
    farm.content["annotations"][1]["iscrowd"] = 1
    status, said = browse("--ids", "51")
    assert status == 2 and "'51' is left out: marked iscrowd" in said


def test_an_image_that_cannot_be_read_does_not_hide_the_others(browse, farm, sound):
    (farm.folder / "images/cat2.png").write_bytes(b"no picture")
    seen = sound(browse()[1].decode())
    assert len(seen.all("section")) == 4 and len(seen.all("img")) == 6
    assert "cat2.png: not an image that OpenCV can decode" in seen.text


@pytest.mark.parametrize("name", ["sheet.png", "sheet.JPG"])
def test_one_picture_of_all(browse, name):
    status, data = browse("--transformed", name=name)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert status == 0
    assert image.shape[1] >= 900 and image.shape[0] > 600
    for colour in (LEFT, RIGHT):
        assert (np.abs(image[..., ::-1].astype(int) - colour) < 20).all(axis=2).sum() > 500


def test_a_bad_image_has_its_place_in_the_picture(browse, farm):
    (farm.folder / "images/cat2.png").unlink()
    status, data = browse(name="sheet.png")
    assert status == 0 and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None


def test_a_page_that_training_would_refuse_can_be_looked_at(browse, farm, sound):
    """Its metrics are still those of horses: nothing that draws asks for them."""
    with pytest.raises(ConfigError, match="'Shoulder' is no keypoint of 'cats'"):
        prepare(load(farm.page(), []))
    assert browse("--heatmaps")[0] == 0


@pytest.mark.parametrize(
    ("words", "name", "complaint"),
    [
        ([], "page.pdf", "must end in .html, .png, .jpg"),
        ([], "nowhere/page.html", "there is no folder"),
        (["--n", "0"], "page.html", "expected a whole number from 1"),
    ],
)
def test_what_is_refused(browse, words, name, complaint):
    status, said = browse(*words, name=name)
    assert status == 2 and complaint in said
