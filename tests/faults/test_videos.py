"""Videos."""

import pytest
from films import COUNT, cut_off, film, numbers_in, overwritten, painted

from hrpose.errors import DataError, RunError
from hrpose.video.reader import open_video
from hrpose.video.writer import write_video

QUICK = {"container": {"movflags": "faststart"}, "bf": "0", "noise": 20}


@pytest.fixture(autouse=True)
def av():
    return pytest.importorskip("av", reason="PyAV (extra `video`) is not installed: no films")


@pytest.mark.fault(
    name="damaged packet in a video",
    does="one packet of 40 overwritten with zeros",
    expects="that frame is empty and named, the others keep their numbers; OpenCV says it stopped",
)
def test_damaged_packet(tmp_path, happened):
    path = overwritten(film(tmp_path / "a.mp4", g="6", **QUICK), 20)
    with open_video(path, decoder="PyAV") as video:
        frames = list(video)
    assert len(frames) == COUNT and video.lost_frames == [20]
    assert numbers_in(frames)[24:] == list(range(24, COUNT))
    with open_video(path, decoder="OpenCV") as video:
        read = len(list(video))
    assert f"OpenCV ended after {read} frames" in video.warnings()[0]
    happened("frame 20 is empty and named, 39 have their numbers; OpenCV's early end is said")


@pytest.mark.fault(
    name="video cut off",
    does="a file that ends in the middle of frame 25",
    expects="all before it are read; a warning with the header's number and the file's",
)
def test_cut_off(tmp_path, happened):
    path = cut_off(film(tmp_path / "a.mp4", **QUICK), 25)
    with open_video(path, decoder="PyAV") as video:
        assert numbers_in(video)[:25] == list(range(25))
    said = video.warnings()[-1]
    assert "26 frames are in it, where the header says 40" in said and "cut off" in said
    happened("25 frames read, the cut one named, both numbers said")


@pytest.mark.fault(
    name="not a video",
    does="text, a playlist, a folder, an MP4 without its index, nothing at all",
    expects="DataError with the path and what stands there; a playlist opens no address",
)
def test_not_a_video(tmp_path, happened):
    for name, data, kind in (
        ("a.mp4", b"hello\n", "text"),
        ("b.m3u8", b"#EXTM3U\nhttp://example.org/a.ts\n", "a playlist"),
        ("c.mp4", b"\0\0\0\x20ftypisom" + bytes(50), "no index"),
        ("d.avi", b"", "an empty file"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=rf"{name}: not a video.*{kind}"):
            open_video(tmp_path / name)
    with pytest.raises(DataError, match="a folder"):
        open_video(tmp_path)
    happened("each refused with its path and what it is")


@pytest.mark.fault(
    name="disk full while a video is drawn",
    does="no file can grow beyond 20 kB",
    expects="RunError that names the video; no part of it is left, and an older one stays",
)
@pytest.mark.parametrize("encoder", ["PyAV", "OpenCV"])
def test_disk_full(tmp_path, happened, encoder):
    resource = pytest.importorskip("resource", reason="no limits on files here")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with (
            pytest.raises(RunError, match=r"a.mp4: the video cannot be written \("),
            write_video(path, encoder=encoder) as video,
        ):
            for number in range(60):
                video.write(painted(number % 40, noise=90))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"older"]
    happened("one error; the older video is still there")
