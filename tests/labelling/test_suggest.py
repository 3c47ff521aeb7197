"""`hrpose suggest` as a user meets it: what is chosen, what is written, what is refused."""

import json
import sys

import cv2
import numpy as np
import pytest
from spoilt import COUNT, NAMES, RATE, Walk, spoilt, walk, write_film, write_table

from hrpose import cli
from hrpose.datasets.coco.file import read_coco
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.labelling.belonging import doubt_of
from hrpose.labelling.suggest import SuggestRequest, suggest
from hrpose.video.reader import open_video

SHORT = 240  # frames


@pytest.fixture
def hrpose(monkeypatch, capsys):
    """Runs the command line; returns its exit status, its output and its errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hrpose", "suggest", *map(str, words)])
        status = 0
        try:
            cli.main()
        except SystemExit as left:
            status = int(left.code or 0)
        return (status, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Table and video of 8 s; in row 100 a point is unlikely, in row 200 another one far away."""
    folder = tmp_path_factory.mktemp("short")
    made = walk(3, SHORT)
    film = write_film(folder / "cage.mp4", made.points)
    made.scores[100, 1] = 0.1
    made.points[200, 3] += 60
    made.points[50, 0], made.scores[50, 0] = np.nan, 0
    return write_table(folder / "cage.csv", made), film, made


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_of_20_spoilt_stretches_18_are_found(tmp_path, seed):
    made = spoilt(seed)
    film = write_film(tmp_path / "walk.mp4", walk(seed).points)
    table = write_table(tmp_path / "walk.csv", made)
    assert len(made.stretches) == 20 and len(made.points) == COUNT == 2330
    chosen, _ = suggest(SuggestRequest(table, film, 20, "coco", tmp_path / "out"))
    numbers = [picture.candidate.number for picture in chosen]
    assert numbers == sorted(set(numbers)) and len(numbers) == 20
    assert min(np.diff(numbers)) >= RATE
    found = [any(start <= n < end for n in numbers) for start, end, _ in made.stretches]
    assert sum(found) >= 18
    words = {
        "likelihood": "likelihood",
        "jump": "jumps",
        "limb": "tailbase",
        "swap": "change places",
    }
    for picture in chosen:
        for start, end, kind in made.stretches:
            if start <= picture.candidate.number < end:
                assert words[kind] in picture.candidate.why, (kind, picture.candidate)


def test_two_runs_choose_the_same(tmp_path, short):
    table, film, _ = short
    first, _ = suggest(SuggestRequest(table, film, 5, "coco", tmp_path / "a"))
    second, _ = suggest(SuggestRequest(table, film, 5, "coco", tmp_path / "b"))
    assert [p.candidate for p in first] == [p.candidate for p in second]


def test_the_folder_for_deeplabcut(tmp_path, short, hrpose):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    table, film, made = short
    status, said, _ = hrpose(table, film, "--n", 4, "--out", tmp_path)
    assert status == 0
    lines = [line.split(maxsplit=3) for line in said.splitlines()[1:5]]
    assert ["100", "3.33", "s", "likelihood of leftear 0.10, usually 0.92"] in lines
    assert next(line for line in lines if line[0] == "200")[3].startswith("tailbase jumps by 8")
    folder = tmp_path / "labeled-data" / "cage"
    numbers = [int(line[0]) for line in lines]
    names = [f"img{number:03d}.png" for number in numbers]  # 240 frames have three digits
    assert sorted(path.name for path in folder.glob("*.png")) == names
    frame = pandas.read_hdf(folder / "machinelabels-iter0.h5")
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert list(frame.index) == [("labeled-data", "cage", name) for name in names]
    assert list(frame.columns[:4]) == [
        ("hrpose_toy", "snout", "x"),
        ("hrpose_toy", "snout", "y"),
        ("hrpose_toy", "snout", "likelihood"),
        ("hrpose_toy", "leftear", "x"),
    ]
    expected = np.concatenate([made.points, made.scores[..., None]], axis=-1)[numbers]
    np.testing.assert_allclose(frame.to_numpy(), expected.reshape(4, -1), atol=5e-5)
    text = (folder / "machinelabels-iter0.csv").read_text().splitlines()
    assert text[0].startswith("scorer,,,hrpose_toy") and text[2].startswith("coords,,,x,y,like")
    assert text[3].startswith(f"labeled-data,cage,{names[0]},")
    frames = {frame.number: frame.image for frame in open_video(film)}
    for number, name in zip(numbers, names, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(folder / name))[..., ::-1], frames[number])
    sheet = cv2.imread(str(tmp_path / "cage.suggested.jpg"))
    assert sheet.shape[1] > 4 * 384
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cage.suggested.jpg",
        "labeled-data",
    ]


def test_the_coco_file_opens_and_only_sure_points_are_visible(tmp_path, short):
    table, film, made = short
    suggest(SuggestRequest(table, film, 4, "coco", tmp_path))
    path = tmp_path / "cage.suggested.json"
    assert len(read_coco([path]).images) == 4
    content = json.loads(path.read_text())
    place = next(image for image in content["images"] if image["frame"] == 100)
    assert place["file_name"] == "cage/img100.png" and (place["width"], place["height"]) == (
        320,
        240,
    )
    assert (tmp_path / place["file_name"]).is_file()
    [own] = [a for a in content["annotations"] if a["image_id"] == place["id"]]
    assert own["keypoints"][2::3] == [2, 0, 2, 2] and own["num_keypoints"] == 3
    assert own["keypoints"][3:6] == [0, 0, 0]  # leftear, likelihood 0.1
    np.testing.assert_allclose(own["keypoints"][:2], made.points[100, 0], atol=1e-4)
    x, y, wide, high = own["bbox"]
    inside = made.points[100, [0, 2, 3]]
    assert (inside >= [x, y]).all() and (inside <= [x + wide, y + high]).all()
    assert content["categories"][0]["keypoints"] == list(NAMES)


def test_the_file_for_sleap(tmp_path, short):
    sleap_io = pytest.importorskip("sleap_io", reason="extra `sleap` is not installed")
    table, film, made = short
    suggest(SuggestRequest(table, film, 4, "sleap", tmp_path))
    labels = sleap_io.load_slp(str(tmp_path / "cage.suggested.slp"), open_videos=False)
    [frame] = [frame for frame in labels.labeled_frames if frame.frame_idx == 100]
    [animal] = frame.predicted_instances
    np.testing.assert_allclose(animal.numpy(), made.points[100], atol=1e-3)
    assert len(labels.suggestions) == 4


def test_the_skeleton_of_a_page_decides_the_limbs(tmp_path, short):
    table, film, _ = short
    page = KeypointMeta("mouse", NAMES[::-1], skeleton=[("snout", "leftear")])
    chosen, _ = suggest(SuggestRequest(table, film, 3, "coco", tmp_path, page))
    [far] = [p.candidate.why for p in chosen if p.candidate.number == 200]
    assert "jumps" in far and "usually" not in far  # the tail is in no limb of this page
    with pytest.raises(DataError, match="its body parts are not the keypoints of the page: tail"):
        suggest(
            SuggestRequest(table, film, 3, "coco", tmp_path / "b", KeypointMeta("x", NAMES[:3]))
        )


def test_a_page_by_its_name_is_compared_with_the_table(tmp_path, short, hrpose):
    table, film, _ = short
    name = "hrnet_w32_horse10_256x256-split1"
    status, _, said = hrpose(table, film, "--out", tmp_path, "--as", "coco", "--config", name)
    assert status == 2 and "its body parts are not the keypoints of the page" in said


def test_frames_with_labels_are_not_suggested_again(tmp_path, short):
    pytest.importorskip("tables")
    table, film, _ = short
    folder = tmp_path / "labeled-data" / "cage"
    folder.mkdir(parents=True)
    (folder / "CollectedData_me.csv").write_text("labeled-data/cage/img100.png,1,2\n")
    chosen, _ = suggest(SuggestRequest(table, film, 6, "deeplabcut", tmp_path))
    assert 100 not in [picture.candidate.number for picture in chosen]
    assert 200 in [picture.candidate.number for picture in chosen]


def test_overwrite_leaves_no_images_of_before_and_all_that_are_labelled(tmp_path, short, hrpose):
    pytest.importorskip("tables")
    table, film, _ = short
    folder = tmp_path / "labeled-data" / "cage"
    assert hrpose(table, film, "--n", 6, "--out", tmp_path)[0] == 0
    status, _, said = hrpose(table, film, "--n", 2, "--out", tmp_path)
    assert status == 2 and "is there already; --overwrite" in said and said.count("\n") == 1
    (folder / "own.png").write_bytes(b"of somebody")
    assert hrpose(table, film, "--n", 2, "--out", tmp_path, "--overwrite")[0] == 0
    assert len(list(folder.glob("img*.png"))) == 2 and (folder / "own.png").is_file()
    before = set(folder.glob("img*.png"))
    (folder / "CollectedData_me.csv").write_text("labeled-data/cage/img100.png,1,2\n")
    assert hrpose(table, film, "--n", 2, "--out", tmp_path, "--overwrite")[0] == 0
    assert before < set(folder.glob("img*.png"))


def cut(table, path, rows: slice):
    lines = table.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[3:][rows]))
    return path


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (slice(0, 200), "ends with frame 199, and {film} has 240 frames: they do not belong"),
        (slice(0, 8), "has 8 rows, and 20 frames are asked for; ask for fewer with --n"),
        (slice(0, 0), "a table without rows"),
    ],
)
def test_a_table_of_another_length_is_refused(tmp_path, short, hrpose, rows, says):
    table, film, _ = short
    other = cut(table, tmp_path / "other.csv", rows)
    status, _, said = hrpose(other, film, "--out", tmp_path / "out", "--as", "coco")
    assert status == 2 and says.format(film=film) in said and said.count("\n") == 1


def test_a_table_of_a_longer_video_is_refused(tmp_path, short, hrpose):
    table = write_table(tmp_path / "long.csv", walk(3, SHORT + 30))
    status, _, said = hrpose(table, short[1], "--out", tmp_path / "out", "--as", "coco")
    assert status == 2 and "has a row of frame 269, and" in said and "has 240 frames" in said
    assert list((tmp_path / "out").iterdir()) == []


SELF = {"input": "videos/cage.mp4", "size": [320, 240], "frames_by_header": 240}
SELF |= {"frames_per_second": 30.0, "options": {"stop": 150}}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"size": [640, 480]}, "of 640 x 480 px (videos/cage.mp4), and {film} is one of 320 x 240"),
        ({"frames_by_header": 150, "frames_per_second": 25.0},
         "of 150 frames, 25.00 frames/s (videos/cage.mp4), and {film} is one of 240 frames, 30.00"),
    ],
)  # fmt: skip
def test_a_table_of_a_shorter_or_other_video_is_refused(tmp_path, short, hrpose, record, says):
    """With --stop its rows do not tell how long the video is; the file beside it does."""
    table, film, _ = short
    stopped = cut(table, tmp_path / "cage.csv", slice(0, 150))
    with open_video(film) as reader:
        told = {**SELF, "decoder": reader.decoder}
    words = (stopped, film, "--n", 3, "--as", "coco", "--out", tmp_path / "out")
    (tmp_path / "cage.json").write_text(json.dumps({**told, **record}))
    status, _, said = hrpose(*words)
    assert status == 2 and says.format(film=film) in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()
    (tmp_path / "cage.json").write_text(json.dumps(told))
    assert hrpose(*words)[::2] == (0, "")


def test_a_table_of_larger_frames_is_refused_by_its_points(tmp_path, short, hrpose):
    _, film, made = short
    table = write_table(tmp_path / "cage.csv", Walk(2 * made.points, made.scores, []))
    status, _, said = hrpose(table, film, "--out", tmp_path / "out", "--as", "coco")
    assert status == 2 and "of its points outside of the frames of" in said
    assert "320 x 240 px: they do not belong together" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "record", "warned"),
    [
        ("cage", {"input": "D:\\videos\\cage.avi"}, False),  # the copy that was made of it
        ("cage", {"input": "videos/other.mp4"}, True),
        ("cageDLC_HrnetW32_mouseshuffle1_snapshot_200", {}, False),
        ("cage_filtered", {}, False),
        ("cage2", {}, True),
        ("other", {}, True),
    ],
)
def test_names_of_another_video_are_warned_of(tmp_path, short, name, record, warned):
    (tmp_path / f"{name}.json").write_text(json.dumps(record))
    assert bool(doubt_of(tmp_path / f"{name}.csv", short[1])) == warned


def test_the_warning_is_the_last_that_is_said(tmp_path, short, hrpose):
    table, film, _ = short
    other = cut(table, tmp_path / "other.csv", slice(0, None))
    status, _, said = hrpose(other, film, "--n", 3, "--as", "coco", "--out", tmp_path / "out")
    assert status == 0 and said.startswith(f"warning: {other} is not called like cage.mp4: unless")


def test_a_table_of_every_third_frame_and_one_with_a_stop_belong_to_their_video(tmp_path, short):
    table, film, _ = short
    third = cut(table, tmp_path / "third.csv", slice(1, None, 3))
    chosen, _ = suggest(SuggestRequest(third, film, 3, "coco", tmp_path / "a"))
    assert {p.candidate.number % 3 for p in chosen} == {1}
    stopped = cut(table, tmp_path / "stopped.csv", slice(0, 150))
    (tmp_path / "stopped.json").write_text('{"options": {"stop": 150}}')
    assert len(suggest(SuggestRequest(stopped, film, 3, "coco", tmp_path / "b"))[0]) == 3


def test_more_frames_than_lie_a_second_apart_are_refused(tmp_path, short, hrpose):
    table, film, _ = short
    status, _, said = hrpose(table, film, "--n", 9, "--out", tmp_path / "out", "--as", "coco")
    assert status == 2 and "frames can be chosen that lie 1 s apart" in said
    assert "and 9 are asked for" in said and said.count("\n") == 1


@pytest.mark.parametrize(("kind", "module"), [("deeplabcut", "tables"), ("sleap", "sleap_io")])
def test_a_missing_extra_is_said_before_any_work(
    tmp_path, short, hrpose, monkeypatch, kind, module
):
    table, film, _ = short
    pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, module, None)
    status, _, said = hrpose(table, film, "--out", tmp_path / "out", "--as", kind)
    assert status == 2 and f"--as {kind} needs {module}" in said and "pip install" in said
    assert not (tmp_path / "out").exists()


def test_what_is_no_video_is_refused(tmp_path, short, hrpose):
    table = short[0]
    status, _, said = hrpose(table, table, "--out", tmp_path / "out", "--as", "coco")
    assert status == 2 and "not a video: it is text" in said


def test_lost_rows_are_drawn_and_written_without_points(tmp_path, short):
    _, film, made = short
    points, scores = made.points.copy(), made.scores.copy()
    points[120], scores[120] = np.nan, 0
    table = write_table(tmp_path / "lost.csv", Walk(points, scores, []))
    chosen, _ = suggest(SuggestRequest(table, film, 3, "coco", tmp_path))
    assert 120 in [picture.candidate.number for picture in chosen]
    content = json.loads((tmp_path / "cage.suggested.json").read_text())
    assert len(content["images"]) == 3 and len(content["annotations"]) == 2


def test_a_folder_that_cannot_be_is_one_line(tmp_path, short, hrpose):
    table, film, _ = short
    (tmp_path / "file").write_text("")
    status, _, said = hrpose(table, film, "--out", tmp_path / "file", "--as", "coco")
    assert status == 2 and "file: cannot be written" in said and said.count("\n") == 1
