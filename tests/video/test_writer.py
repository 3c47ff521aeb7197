import importlib.util

import cv2
import numpy as np
import pytest
from films import H, W, irregular_times, number_in, numbers_in, painted

from hrpose.errors import RunError
from hrpose.video.reader import open_video
from hrpose.video.writer import write_video

ENCODERS = ["OpenCV"] + ["PyAV"] * bool(importlib.util.find_spec("av"))
both = pytest.mark.parametrize("encoder", ENCODERS)


@both
def test_frames_come_back_in_order_and_in_their_colours(tmp_path, encoder):
    path = tmp_path / "a.mp4"
    with write_video(path, rate=30, encoder=encoder) as video:
        for number in range(20):
            image = painted(number)
            image[50:60] = 250, 60, 20
            video.write(image)
    assert video.frames_written == 20
    assert video.encoder.endswith({"PyAV": "by PyAV", "OpenCV": "at one rate"}[encoder])
    frames = list(open_video(path))
    assert numbers_in(frames) == list(range(20))
    assert frames[3].image.shape == (H, W, 3)
    np.testing.assert_allclose(frames[3].image[55, 40], [250, 60, 20], atol=30)
    np.testing.assert_allclose([f.seconds for f in frames], np.arange(20) / 30, atol=2e-3)
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


def test_h264_where_pyav_is(tmp_path):
    av = pytest.importorskip("av", reason="PyAV (extra `video`) is not installed")
    with write_video(tmp_path / "a.mp4") as video:
        video.write(painted(1))
    assert video.encoder == "H.264 by PyAV"
    with av.open(str(tmp_path / "a.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_frames_keep_their_times(tmp_path):
    pytest.importorskip("av", reason="PyAV (extra `video`) is not installed")
    times = np.array(irregular_times())
    times = (times - times[0]) / 1000
    with write_video(tmp_path / "a.mp4", rate=30) as video:
        for number, seconds in enumerate(times):
            video.write(painted(number), seconds)
        video.write(painted(41), times[-1])  # the same time again
        video.write(painted(42), None)
    seconds = [frame.seconds for frame in open_video(tmp_path / "a.mp4")]
    np.testing.assert_allclose(seconds[:40], times, atol=1e-4)
    assert seconds[39] < seconds[40] < seconds[41]
    assert seconds[41] - seconds[40] == pytest.approx(1 / 30, abs=1e-4)


@both
def test_odd_sizes_become_even_and_other_sizes_are_fitted(tmp_path, encoder):
    path = tmp_path / "a.mp4"
    with write_video(path, encoder=encoder) as video:
        video.write(painted(5, 97, 65))
        video.write(painted(6, 97, 65))
        video.write(np.full((200, 100, 3), 200, np.uint8))
    frames = list(open_video(path))
    assert [frame.image.shape for frame in frames] == [(66, 98, 3)] * 3
    assert [number_in(frame.image) for frame in frames[:2]] == [5, 6]
    assert frames[0].image[65, 97].mean() == pytest.approx(40, abs=12), "as the pixel beside it"
    assert frames[2].image[30, 49].mean() > 180
    assert frames[2].image[30, 5].mean() < 30, "dark beside it"


@both
def test_a_block_that_fails_leaves_what_was_there(tmp_path, encoder):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    with (
        pytest.raises(KeyError, match="model"),
        write_video(path, encoder=encoder) as video,
    ):
        video.write(painted(1))
        raise KeyError("model")
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


@both
def test_a_video_without_frames_is_refused(tmp_path, encoder):
    with (
        pytest.raises(RunError, match=r"a.mp4: no frame was drawn"),
        write_video(tmp_path / "a.mp4", encoder=encoder),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@both
def test_a_full_disk_is_one_error(tmp_path, encoder):
    """No file of this process can grow beyond 20 kB, as on a disk without room."""
    resource = pytest.importorskip("resource", reason="no limits on files here")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    rng = np.random.default_rng(0)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with (
            pytest.raises(RunError, match=r"a.mp4: the video cannot be written \("),
            write_video(tmp_path / "a.mp4", encoder=encoder) as video,
        ):
            for _ in range(60):
                video.write(rng.integers(0, 256, (128, 128, 3), np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@both
def test_places_and_names_that_cannot_be_written(tmp_path, encoder):
    for path, said in (
        (tmp_path / "none" / "a.mp4", "cannot be written"),
        (tmp_path / "a.txt", r"a.txt: expected a name that ends in .mp4"),
    ):
        with (
            pytest.raises(RunError, match=said),
            write_video(path, encoder=encoder) as video,
        ):
            video.write(painted(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@both
def test_memory_is_constant(tmp_path, encoder):
    resource = pytest.importorskip("resource", reason="no account of memory here")
    image = np.zeros((480, 640, 3), np.uint8)
    used = []
    with write_video(tmp_path / "a.mp4", encoder=encoder) as video:
        for number in range(3000):
            cv2.circle(image, (number % 640, number % 480), 9, (number % 256, 90, 30), -1)
            video.write(image)
            if number in (500, 2999):
                used.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert used[1] - used[0] < 30_000, "kilobytes"
