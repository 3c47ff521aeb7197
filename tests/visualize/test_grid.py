import cv2
import numpy as np
import pytest

from hrpose.keypoints import KeypointMeta
from hrpose.visualize.colours import LEFT, MIDDLE, RIGHT
from hrpose.visualize.grid import prediction_grid

META = KeypointMeta(
    "three",
    ["Nearfoot", "Offfoot", "Wither"],
    skeleton=[["Nearfoot", "Wither"], ["Offfoot", "Wither"]],
)
POINTS = np.array([[20.0, 80.0], [80.0, 80.0], [50.0, 20.0]])
GREY = np.full((100, 100, 3), 128, np.uint8)


def grid(path, count=5, size=96, noise=0.0, **more):
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (count, size, size, 3), np.uint8) if noise else [GREY] * count
    truth = np.tile(POINTS, (count, 1, 1))
    return prediction_grid(
        crops, truth, np.ones((count, 3)), truth + 6, np.full((count, 3), 0.8), META, path, **more
    )


def test_grid_shows_truth_and_prediction(tmp_path):
    path = grid(tmp_path / "new" / "predictions.png", columns=2, captions=list("abcde"))
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width, _ = image.shape
    assert height > 3 * 200
    assert width >= 900
    for colour in (LEFT, RIGHT, MIDDLE):
        assert (image == colour).all(axis=2).sum() > 5 * 20
    assert (image > 225).all(axis=2).sum() > 200
    assert path.stat().st_size < 1_500_000


def test_grid_tells_a_wrong_prediction_from_a_right_one(tmp_path):
    arguments = ([GREY], POINTS[None], np.ones((1, 3)))
    pictures = []
    for shift in (0, 15):
        path = tmp_path / f"{shift}.png"
        prediction_grid(*arguments, POINTS[None] + shift, np.ones((1, 3)), META, path)
        pictures.append(cv2.imread(str(path)).astype(int))
    differs = (pictures[0] != pictures[1]).any(axis=(0, 2))
    columns = np.flatnonzero(differs)
    assert columns[0] > 216
    assert differs.sum() > 50


def test_grid_of_noise_is_shrunk_to_fit(tmp_path):
    path = grid(tmp_path / "noise.png", count=24, size=216, noise=1.0, columns=4)
    assert path.stat().st_size < 1_500_000
    assert cv2.imread(str(path)) is not None


def test_grid_needs_an_animal(tmp_path):
    with pytest.raises(ValueError, match="no crops"):
        grid(tmp_path / "none.png", count=0)
