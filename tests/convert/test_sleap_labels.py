"""SLEAP's labels to COCO and back, on the real flies and on files made here."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrpose.datasets.images import read_image

sleap_io = pytest.importorskip("sleap_io", reason="extra `sleap` is not installed")

FLIES = "flies-sleap/minimal_instance.pkg.slp"


def labels_of(path: Path):
    return sleap_io.load_slp(str(path), open_videos=False)


def content(path: Path) -> dict:
    return json.loads((path / "labels.json").read_text())


@pytest.fixture
def mice(tmp_path, picture) -> Path:
    """Two tracked mice on two images; one predicted, one with a point that is not visible."""
    skeleton = sleap_io.Skeleton(
        ["nose", "earL", "earR"],
        edges=[("nose", "earL"), ("nose", "earR")],
        symmetries=[("earL", "earR")],
        name="mouse",
    )
    files = [picture(tmp_path / "cage" / f"f{k}.png") for k in range(3)]
    video = sleap_io.Video.from_filename([str(path) for path in files])
    tracks = [sleap_io.Track(name="Ann"), sleap_io.Track(name="Bob")]
    points = np.arange(6.0).reshape(3, 2) + 0.1
    hidden = sleap_io.Instance.from_numpy(points + 9, skeleton=skeleton, track=tracks[1])
    hidden.points["visible"][1] = False
    guess = sleap_io.PredictedInstance.from_numpy(
        points, skeleton=skeleton, point_scores=np.array([0.5, 0.75, 1]), score=0.75
    )
    own = sleap_io.Instance.from_numpy(points, skeleton=skeleton, track=tracks[0])
    frames = [
        sleap_io.LabeledFrame(video=video, frame_idx=2, instances=[own, hidden]),
        sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[guess]),
    ]
    labels = sleap_io.Labels(
        frames, videos=[video], skeletons=[skeleton], tracks=tracks,
        suggestions=[sleap_io.SuggestionFrame(video=video, frame_idx=1)],
    )  # fmt: skip
    sleap_io.save_slp(labels, str(tmp_path / "mice.slp"), verbose=False)
    return tmp_path / "mice.slp"


@pytest.mark.parametrize("name", ["back.slp", "back.pkg.slp"])
def test_the_flies_and_back(data_dir, tmp_path, convert, name):
    assert convert("sleap", data_dir / FLIES, tmp_path / "out")[0] == 0
    assert convert("to-sleap", tmp_path / "out", tmp_path / name)[0] == 0
    first, back = labels_of(data_dir / FLIES), labels_of(tmp_path / name)
    assert [n.name for n in back.skeletons[0].nodes] == ["A", "B"]
    assert back.skeletons[0].edge_names == first.skeletons[0].edge_names == [("A", "B")]
    assert back.skeletons[0].name == first.skeletons[0].name
    [one], [other] = first.labeled_frames, back.labeled_frames
    assert one.frame_idx == other.frame_idx == 0 and len(other.instances) == 2
    for a, b in zip(one.instances, other.instances, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())  # to the last digit
        assert type(a) is type(b) is sleap_io.Instance


def test_the_flies_image_is_written_out(data_dir, tmp_path, convert):
    assert convert("sleap", data_dir / FLIES, tmp_path / "out")[0] == 0
    [path] = (tmp_path / "out" / "images").rglob("*.png")
    assert path.parent.name == "centered_pair_low_quality" and path.name == "img000000.png"
    inside = sleap_io.load_slp(str(data_dir / FLIES)).videos[0][0]
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), inside[..., 0])
    [image] = content(tmp_path / "out")["images"]
    assert (image["width"], image["height"]) == (384, 384)
    assert read_image(path).shape == (384, 384, 3)


def test_what_counts_as_a_label(mice, tmp_path, convert):
    status, said = convert("sleap", mice, tmp_path / "out", "--category", "mouse")
    assert status == 0 and "1 predicted instances are left out" in said
    found = content(tmp_path / "out")
    assert [image["file_name"] for image in found["images"]] == ["cage/f2.png"]
    assert [one["individual"] for one in found["annotations"]] == ["Ann", "Bob"]
    assert found["annotations"][1]["keypoints"][3:6] == [0, 0, 0]  # not visible
    assert found["annotations"][1]["num_keypoints"] == 2
    category = found["categories"][0]
    assert category["name"] == "mouse" and category["skeleton"] == [[1, 2], [1, 3]]
    assert category["flip_pairs"] == [["earL", "earR"]]


def test_predictions_on_request_and_back(mice, tmp_path, convert):
    assert convert("sleap", mice, tmp_path / "out", "--predicted")[0] == 0
    assert convert("to-sleap", tmp_path / "out", tmp_path / "back.slp")[0] == 0
    back = labels_of(tmp_path / "back.slp")
    by_name = {
        Path(frame.video.filename[frame.frame_idx]).name: frame for frame in back.labeled_frames
    }
    [guess] = by_name["f0.png"].instances
    assert isinstance(guess, sleap_io.PredictedInstance)
    assert guess.points["score"].tolist() == [0.5, 0.75, 1]
    tracks = [one.track.name for one in by_name["f2.png"].instances]
    assert tracks == ["Ann", "Bob"] == [track.name for track in back.tracks]
    assert len(back.skeletons[0].symmetries) == 1


def test_a_video_is_read_in_order(tmp_path, convert):
    writer = cv2.VideoWriter(
        str(tmp_path / "cage.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48)
    )
    for number in range(12):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    video = sleap_io.Video(filename="/far/away/cage.avi", open_backend=False)
    skeleton = sleap_io.Skeleton(["a", "b"])
    frames = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=number,
            instances=[sleap_io.Instance.from_numpy(np.ones((2, 2)) * number, skeleton=skeleton)],
        )
        for number in (7, 3, 10)
    ]
    labels = sleap_io.Labels(frames, videos=[video], skeletons=[skeleton])
    sleap_io.save_slp(labels, str(tmp_path / "far.slp"), verbose=False)
    assert convert("sleap", tmp_path / "far.slp", tmp_path / "out")[0] == 0  # it lies beside
    grey = {
        path.name: read_image(path).mean() for path in (tmp_path / "out" / "images").rglob("*.png")
    }
    assert sorted(grey) == ["img000003.png", "img000007.png", "img000010.png"]
    for number in (3, 7, 10):
        assert abs(grey[f"img{number:06d}.png"] - 20 * number) < 4
    (tmp_path / "cage.avi").unlink()
    status, said = convert("sleap", tmp_path / "far.slp", tmp_path / "out2")
    assert status == 2 and "/far/away/cage.avi" in said and "--images" in said


def test_files_that_are_no_labels(tmp_path, convert):
    import h5py

    (tmp_path / "a.slp").write_text("no")
    with h5py.File(tmp_path / "x.analysis.h5", "w") as file:
        file["tracks"] = np.zeros((1, 2, 2, 5))
    for name, found in (("a.slp", "found no HDF5 file"), ("x.analysis.h5", "an analysis file")):
        status, said = convert("sleap", tmp_path / name, tmp_path / "out")
        assert status == 2 and found in said and "Export Labels Package" in said, said
        assert said.count("\n") == 1


def test_only_predictions(mice, tmp_path, convert):
    labels = labels_of(mice)
    for frame in labels.labeled_frames:
        frame.instances = frame.predicted_instances
    sleap_io.save_slp(labels, str(tmp_path / "p.slp"), verbose=False)
    status, said = convert("sleap", tmp_path / "p.slp", tmp_path / "out")
    assert status == 2 and "no labelled instance (1 predicted)" in said
