"""zoom: the box follows the points, and the points get better by it."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import write_video
from toy import job, order

from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.geometry import box_around
from hrpose.keypoints import KeypointMeta
from hrpose.predict.crops import Cropper
from hrpose.predict.frames import Frame
from hrpose.predict.inputs import jobs_of
from hrpose.predict.look.boxes import WholeFrame
from hrpose.predict.look.zoom import Zoom, zoomed
from hrpose.predict.pipeline import Pipeline
from hrpose.predict.run import do_job

META = KeypointMeta("toy", ["nose", "tail", "ear"])
SIZE = (640, 480)
POINTS = np.array([[0.0, 0.0], [40.0, 10.0], [15.0, 30.0]])
SURE, UNSURE = np.ones(3), np.array([0.9, 0.1, 0.1]) * 0.3


def test_the_box_of_the_points_before():
    zoom = Zoom()
    first = zoom.look(SIZE)
    assert (first.source, first.boxes.tolist()) == ("full", [[0, 0, 640, 480]])
    zoom.learn(POINTS + 100, SURE)
    box = zoom.look(SIZE)
    # x: 40 px and .2 of that on each side; y: 48 px, a tenth of the frame's height
    assert (box.source, box.boxes.tolist()) == ("zoom", [[92, 91, 56, 48]])


def test_the_box_is_the_one_that_convert_makes_of_the_same_points():
    zoom = Zoom()
    zoom.look(SIZE)
    for points in (POINTS * 3 + 100, POINTS * 3 + [500, 370]):  # in the corner it is clipped
        zoom.learn(points, SURE, np.array([0, 0, *SIZE]))
        want = box_around(points, SIZE)
        np.testing.assert_allclose(zoom.look(SIZE).boxes[0], want)
        zoom = Zoom()


def test_missing_points_make_the_animal_no_smaller():
    zoom = Zoom()
    for scores in [SURE] + [np.array([0.9, 0.1, 0.9])] * 40:  # the tail is out of sight
        zoom.look(SIZE)
        zoom.learn(POINTS * 3 + 100, scores)
    assert zoom.look(SIZE).boxes[0, 2:].tolist() == [168, 138]


def test_the_box_is_ahead_of_a_moving_animal_and_ignores_a_wild_frame():
    zoom = Zoom()
    for step in (0, 10, 20, 30, 300):  # the last is wild; 50 comes next
        zoom.look(SIZE)
        zoom.learn(POINTS + 100 + step, SURE)
    assert zoom.look(SIZE).boxes.tolist() == [[142, 141, 56, 48]]
    zoom.learn(POINTS * 3 + 120, SURE)
    assert zoom.look(SIZE).boxes[0, 2:].tolist() == [56, 48]


def test_never_below_a_quarter_of_the_first():
    zoom = Zoom()
    zoom.look(SIZE)
    zoom.learn(POINTS * 10, SURE)
    for _ in range(40):
        zoom.look(SIZE)
        zoom.learn(POINTS / 100 + 200, SURE)
    assert zoom.look(SIZE).boxes[0, 2:].tolist() == pytest.approx([140, 115])  # of 100 x 75


def test_the_whole_frame_when_the_animal_is_lost():
    zoom = Zoom()
    zoom.look(SIZE)
    zoom.learn(POINTS, SURE)
    assert zoom.look(SIZE).source == "zoom"
    zoom.learn(POINTS, UNSURE)
    assert zoom.look(SIZE).source == "full"
    zoom.learn(POINTS + 300, SURE)  # and it is elsewhere
    assert zoom.look(SIZE).boxes[0, :2].tolist() == [292, 291]


def test_a_search_at_first_every_300_frames_and_ever_more_rarely_without_an_animal():
    zoom, searched = Zoom(), []
    for number in range(1000):
        zoom.look(SIZE)
        searched += [number] * zoom.searches
        zoom.learn(POINTS, SURE if number < 650 else UNSURE)
    lost = {650 + gone for gone in (1, 2, 4, 8, 16, *range(32, 350, 32))}
    assert searched == [0, 300, 600, *sorted(lost | {900})]


class Spots:
    """Finds the centres of three coloured spots, to whole px of the crop; where `smallest` is
    given, only in crops that they fill to that share of the width.
    """

    def __init__(self, smallest: float = 0.0) -> None:
        self.smallest = smallest
        self.crops = 0

    def __call__(self, images: np.ndarray):
        self.crops += len(images)
        answers = [self.one(crop.transpose(1, 2, 0).astype(float)) for crop in images]
        points, scores = (np.array(part) for part in zip(*answers, strict=True))
        return lambda: (points, scores.astype(np.float32))

    def one(self, crop: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
        points, scores = [], []
        for channel in range(3):
            weight = crop[..., channel] * (crop[..., channel] > 100)
            total = weight.sum()
            y, x = np.indices(weight.shape)
            centre = [(weight * x).sum(), (weight * y).sum()] / total if total else np.zeros(2)
            points.append(np.round(centre))
            scores.append(1.0 if total else 0.0)
        if np.ptp(points, axis=0).max() < self.smallest * crop.shape[1]:
            scores = [0.1] * 3
        return points, scores


def drawn(count: int, leap: int = 1000) -> tuple[list[Frame], np.ndarray]:
    """A walk of an animal of three spots, and where they are (count, 3, 2); in frame `leap` it is
    suddenly elsewhere.
    """
    frames, truth = [], []
    for number in range(count):
        start = [60 + 4 * number, 240 + 120 * np.sin(number / 15)]
        start = [start[0], start[1] - 200] if number >= leap else start
        points = np.rint(POINTS * 1.5 + start)
        image = np.zeros((480, 640, 3), np.uint8)
        for channel, (x, y) in enumerate(points.astype(int)):
            colour = [0, 0, 0]
            colour[channel] = 255
            cv2.circle(image, (int(x), int(y)), 7, colour, -1)
        frames.append(Frame(str(number), number, None, image))
        truth.append(points)
    return frames, np.array(truth)


@pytest.fixture
def pipeline() -> Pipeline:
    cropper = Cropper([LoadImage(), CropBox((96, 96)), Warp((96, 96))], META)
    return Pipeline(cropper, Spots(), batch_size=1)


def error(found, truth: np.ndarray) -> float:
    return float(np.linalg.norm(np.array([f.keypoints[0] for f in found]) - truth, axis=2).mean())


def test_zoom_comes_closer_on_a_drawn_video(pipeline):
    frames, truth = drawn(80)
    close = list(zoomed(pipeline, frames, stills=False))
    assert [found.where.source for found in close].count("full") == 0
    full = list(pipeline.run(drawn(80)[0], WholeFrame()))
    assert error(full, truth) > 2
    assert error(close, truth) < error(full, truth) / 3


def test_an_animal_that_leaps_is_found_again_in_the_same_frame(pipeline):
    frames, truth = drawn(40, leap=20)
    assert truth[20, 0, 1] < truth[19, 0, 1] - 100
    assert error(list(zoomed(pipeline, frames, stills=False)), truth) < 1


def test_a_network_that_knows_only_boxes_finds_an_animal_that_is_small_in_its_frame(pipeline):
    """POINTS * 1.5 is a tenth of the frame wide; seen by itself in a third of a crop or more."""
    pipeline = replace(pipeline, estimate=Spots(smallest=0.3), batch_size=8)
    frames, truth = drawn(5)
    assert error(list(pipeline.run(drawn(5)[0], WholeFrame())), truth) > 2
    found = list(zoomed(pipeline, frames, stills=True))
    assert {one.where.source for one in found} == {"zoom"} and error(found, truth) < 1
    before = pipeline.estimate.crops
    assert error(list(zoomed(pipeline, drawn(30, leap=15)[0], stills=False)), drawn(30, 15)[1]) < 1
    assert pipeline.estimate.crops - before < 30 + 2 * 50  # one a frame but at two searches


def test_an_animal_that_is_not_there_costs_little(pipeline):
    """1, 6, 35 and 165 windows of 640 x 480; smaller ones would be enlarged to 96 px."""
    nothing = [Frame(str(n), n, None, np.zeros((480, 640, 3), np.uint8)) for n in range(40)]
    found = list(zoomed(pipeline, nothing, stills=False))
    assert {one.where.source for one in found} == {"full"}
    assert pipeline.estimate.crops == 33 + 207 * len([0, 1, 2, 4, 8, 16, 32])


def test_windows_are_no_smaller_than_the_animal_was(pipeline):
    """60 x 45 px between its points, 84 x 69 px its box: of 80 px there would be 165 windows."""
    frames, _ = drawn(3)
    gone = [Frame(str(3 + n), 3 + n, None, np.zeros((480, 640, 3), np.uint8)) for n in range(5)]
    found = list(zoomed(pipeline, frames + gone, stills=False))
    assert [one.where.source for one in found] == ["zoom"] * 4 + ["full"] * 4
    # 2 at first, one a frame, twice the box of one that left; searched then, and 1, 2, 4 later
    assert pipeline.estimate.crops == 2 + 3 + 1 + 1 + 4 * 42


def test_stills_get_two_looks(pipeline):
    frames, truth = drawn(5)
    found = list(zoomed(pipeline, frames[::-1], stills=True))
    assert {one.where.source for one in found} == {"zoom"}
    assert error(found, truth[::-1]) < 1
    assert pipeline.estimate.crops == 5 * 2  # the whole frame, and what is around its points


@pytest.mark.parametrize("leap", [1000, 15])
def test_going_on_from_rows_gives_the_same(pipeline, leap):
    want = list(zoomed(pipeline, drawn(30, leap)[0], stills=False))
    rows = [
        (found.keypoints.round(4), found.scores.round(4), found.where.boxes.round(4))
        for found in want[:17]
    ]
    rest = list(zoomed(pipeline, drawn(30, leap)[0], False, rows))
    assert [found.frame.number for found in rest] == list(range(17, 30))
    for found, same in zip(rest, want[17:], strict=True):
        np.testing.assert_array_equal(found.keypoints, same.keypoints)
        np.testing.assert_array_equal(found.where.boxes, same.where.boxes)


def test_the_verb_takes_it(predict, herd, tmp_path):
    assert predict(herd / "images", "--bbox", "zoom", "--formats", "jsonl") == 0
    assert len(Path(tmp_path / "out" / "images.csv").read_text().splitlines()) == 3 + 6


def network(score: float):
    """Finds the two points of the toy in the corners of the middle of every crop."""

    def estimate(images: np.ndarray):
        points = np.tile([[8.0, 8.0], [24.0, 24.0]], (len(images), 1, 1))
        return lambda: (points, np.full(points.shape[:2], score, np.float32))

    return estimate


@pytest.mark.parametrize(("score", "lost"), [(0.3, 0), (0.29, 12)])
def test_a_video_in_which_zoom_never_comes_closer_is_told(tmp_path, score, lost):
    said = []
    (video,) = jobs_of([str(write_video(tmp_path / "run.avi"))])
    do_job(order(tmp_path / "out", network(score), look=None, say=said.append), video)
    assert [f"whole frame in {lost} of 12:" in line for line in said] == [True] * bool(lost)
    warnings = json.loads((tmp_path / "out" / "run.json").read_text())["warnings"]
    assert said == [f"warning: {line}" for line in warnings]


def test_a_video_of_one_frame_is_seen_closely_and_stills_that_are_not_are_told(tmp_path):
    said = []
    (short,) = jobs_of([str(write_video(tmp_path / "one.avi", 1))])
    do_job(order(tmp_path / "b", network(0.3), look=None, say=said.append), short)
    assert said == []
    do_job(order(tmp_path / "a", network(0.29), look=None, say=said.append), job(tmp_path / "in"))
    assert "1 of 23 could not be read" in said[0]
    assert "zoom saw only the whole frame in 22 of 22:" in said[1] and len(said) == 2
