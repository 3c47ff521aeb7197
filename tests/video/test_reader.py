import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import (
    COUNT,
    DIFFICULT,
    H,
    W,
    copied_from,
    cut_off,
    film,
    irregular_times,
    memory_in_use,
    number_in,
    numbers_in,
    overwritten,
    packets,
    painted,
)

from hrpose.errors import DataError
from hrpose.video.pyav_source import turned
from hrpose.video.reader import open_video

DECODERS = ["PyAV", "OpenCV"]
QUICK = {"container": {"movflags": "faststart"}, "bf": "0"}  # index first, frames in order

WRONG_COUNT = ("a cut with an edit list", "variable frame rate in webm")

pytestmark = pytest.mark.usefixtures("av")
both = pytest.mark.parametrize("decoder", DECODERS)


@both
@pytest.mark.parametrize("name", DIFFICULT)
def test_a_row_for_each_frame_and_the_right_one(name, decoder, tmp_path):
    difficult = DIFFICULT[name]
    with open_video(difficult.make(tmp_path), decoder=decoder) as video:
        frames = list(video)
    assert numbers_in(frames) == list(difficult.numbers)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert {frame.note for frame in frames} == {""}
    high, wide = (65, 97) if name == "odd sizes" else (H, W)
    for frame in frames:
        assert frame.image.shape == (high, wide, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
    wrong_count = decoder == "OpenCV" and name in WRONG_COUNT
    said = [text.split(": ", 1)[1] for text in video.warnings()]
    if name == "raw h264":
        assert said == ["it has no frame times, so none are given"]
    else:
        assert len(said) == wrong_count, said


@both
def test_colours_are_red_green_and_blue(tmp_path, decoder, av):
    path = tmp_path / "red.avi"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "bgr0"
        image = np.tile(np.array([250, 120, 10], np.uint8), (H, W, 1))
        file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    (frame,) = open_video(path, decoder=decoder)
    np.testing.assert_array_equal(frame.image[5, 7], [250, 120, 10])


@both
def test_times_are_those_of_the_file_from_the_first_frame_on(tmp_path, decoder):
    times = irregular_times()
    frames = open_video(film(tmp_path / "a.mp4", times=times), decoder=decoder)
    expected = (np.array(times) - times[0]) / 1000
    np.testing.assert_allclose([frame.seconds for frame in frames], expected, atol=0.0011)


@both
def test_a_stream_without_times_has_none(tmp_path, decoder):
    frames = list(open_video(film(tmp_path / "raw.h264"), decoder=decoder))
    assert {frame.seconds for frame in frames} == {None}


@both
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_frames_stand_upright_in_every_corner(tmp_path, decoder, rotation):
    frame = next(iter(open_video(film(tmp_path / "a.mp4", rotation=rotation, crf="5"))))
    difference = np.abs(frame.image.astype(int) - painted(0)).mean()
    assert difference < 8
    frames = list(open_video(tmp_path / "a.mp4", decoder=decoder))
    assert number_in(frames[33].image) == 33


def test_a_display_matrix_can_mirror():
    """ISO/IEC 14496-12: x' = a x + c y, y' = b x + d y; worked by hand on 2 x 3 pixels."""
    image = np.array([[1, 2, 3], [4, 5, 6]])
    one = 1 << 16

    def shown(a, b, c, d):
        return turned(image, np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30]) * 1).tolist()

    assert shown(one, 0, 0, one) == [[1, 2, 3], [4, 5, 6]]
    assert shown(-one, 0, 0, one) == [[3, 2, 1], [6, 5, 4]], "left and right"
    assert shown(one, 0, 0, -one) == [[4, 5, 6], [1, 2, 3]], "upside down"
    assert shown(0, one, one, 0) == [[1, 4], [2, 5], [3, 6]], "over the diagonal"
    assert shown(0, one, -one, 0) == [[4, 1], [5, 2], [6, 3]], "a quarter clockwise"
    assert shown(0, -one, one, 0) == [[3, 6], [2, 5], [1, 4]], "a quarter counter-clockwise"


def test_a_damaged_packet_costs_its_frame_and_is_named(tmp_path):
    path = overwritten(film(tmp_path / "a.mp4", g="6", **QUICK), 20)
    with open_video(path, decoder="PyAV") as video:
        frames = list(video)
    assert len(frames) == COUNT
    numbers = numbers_in(frames)
    assert numbers[:20] == list(range(20))
    assert numbers[20] is None
    assert numbers[24:] == list(range(24, COUNT)), "good from the next key frame on"
    assert "cannot be decoded" in frames[20].note
    assert frames[20].seconds == pytest.approx(20 / 30, abs=1e-3)
    assert [frame.number for frame in frames if frame.note] == [20, 21, 22, 23]
    assert video.lost_frames == [20]
    lost, doubtful = video.warnings()
    assert lost == f"{path}: 1 of its frames cannot be decoded: 20"
    assert doubtful.endswith("may show remains of older ones: 21-23")


def test_a_lost_frame_takes_its_place_among_frames_that_are_stored_out_of_order(tmp_path):
    path = film(tmp_path / "a.mp4", g="12", bf="2", container={"movflags": "faststart"})
    frames = list(open_video(overwritten(path, 20), decoder="PyAV"))
    assert len(frames) == COUNT
    (lost,) = [frame.number for frame in frames if frame.image is None]
    seconds = [frame.seconds for frame in frames]
    np.testing.assert_allclose(np.diff(seconds), 1 / 30, atol=1e-3)
    clean = [frame for frame in frames if not frame.note]
    assert numbers_in(clean) == [frame.number for frame in clean]
    assert 18 <= lost <= 23
    assert {frame.number for frame in clean} >= {*range(16), *range(25, COUNT)}


def test_damage_that_the_decoder_patches_up_is_told(tmp_path):
    """One packet half zeroed: a picture comes out of it, and no error."""
    path = film(tmp_path / "a.mp4", g="10", noise=20, **QUICK)
    with open_video(overwritten(path, 20, share=0.5), decoder="PyAV") as video:
        frames = list(video)
    assert [frame.number for frame in frames if frame.note] == list(range(20, 30))
    assert frames[20].note.startswith("decoded with errors: ")
    assert frames[20].image is not None
    assert "10 of its frames were decoded with errors" in video.warnings()[0]


def test_opencv_that_stops_at_a_damaged_packet_is_noticed(tmp_path):
    path = overwritten(film(tmp_path / "a.mp4", g="6", **QUICK), 20)
    with open_video(path, decoder="OpenCV") as video:
        frames = list(video)
    assert numbers_in(frames) == list(range(len(frames)))
    assert len(frames) < COUNT
    (said,) = video.warnings()
    assert f"{len(frames)} frames" in said and f"the header says {COUNT}" in said
    assert "PyAV" in said


@both
def test_a_file_that_is_cut_off_ends_early_and_says_so(tmp_path, decoder):
    path = cut_off(film(tmp_path / "a.mp4", noise=20, **QUICK), 25)
    with open_video(path, decoder=decoder) as video:
        frames = list(video)
    whole = [frame for frame in frames if frame.image is not None and not frame.note]
    assert numbers_in(whole) == list(range(len(whole)))
    assert 20 <= len(whole) <= 25
    said = video.warnings()[-1]
    assert "frames" in said and f"the header says {COUNT}" in said
    if decoder == "PyAV":
        assert [frame.number for frame in frames if frame.image is None] == [25]
        assert "cut off" in said


def test_a_cut_is_not_called_cut_off(tmp_path):
    film(tmp_path / "whole.mp4", g="12", bf="0")
    video = open_video(copied_from(tmp_path / "whole.mp4", tmp_path / "cut.mp4", 17))
    list(video)
    assert video.header_frames > video.frames_read == COUNT - 17
    assert video.warnings() == []


def test_frames_may_change_their_size(tmp_path):
    small, large = film(tmp_path / "s.h264", count=5), film(tmp_path / "l.h264", size=(128, 80))
    path = tmp_path / "both.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with open_video(path, decoder="PyAV") as video:
        frames = list(video)
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 5 + [(80, 128, 3)] * COUNT
    assert "96x64 from frame 0, 128x80 from frame 5" in video.warnings()[-1]
    with open_video(path, decoder="OpenCV") as video:
        images = [frame.image for frame in video]
    # 4.11 repeats the last image of the first size, 4.14 scales all to that size
    stuck = all(np.array_equal(image, images[4]) for image in images[5:])
    assert ("the same to the bit" in video.warnings()[-1]) == stuck
    assert stuck or {image.shape for image in images} == {(64, 96, 3)}


def test_films_that_were_joined_begin_again_and_lose_no_frame(tmp_path):
    first, second = film(tmp_path / "1.ts", count=8), film(tmp_path / "2.ts")
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    numbers = numbers_in(open_video(path, decoder="PyAV"))
    assert numbers == [*range(8), *range(COUNT)]


@both
def test_start_stop_and_stride(tmp_path, decoder):
    path = film(tmp_path / "a.mp4")
    video = open_video(path, start=5, stop=20, stride=4, decoder=decoder)
    frames = list(video)
    assert numbers_in(frames) == [5, 9, 13, 17] == [frame.number for frame in frames]
    assert frames[0].seconds == pytest.approx(5 / 30, abs=1e-3), "of the video, not of the part"
    assert video.warnings() == [], "a header cannot be judged by a part"
    assert numbers_in(open_video(path, start=38, decoder=decoder)) == [38, 39]
    assert list(open_video(path, start=99, decoder=decoder)) == []
    for wrong in ({"start": -1}, {"stride": 0}, {"start": 5, "stop": 5}):
        with pytest.raises(ValueError, match="expected 0 <= start < stop"):
            open_video(path, decoder=decoder, **wrong)


@both
def test_the_digest_tells_whether_a_resume_sees_the_same_frames(tmp_path, decoder):
    one, other = film(tmp_path / "1.mp4"), film(tmp_path / "2.mp4", noise=20)
    digests = [[f.digest for f in open_video(p, decoder=decoder)] for p in (one, one, other)]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == COUNT
    assert not set(digests[0]) & set(digests[2])


@both
def test_it_can_be_closed_while_another_thread_reads(tmp_path, decoder):
    path = film(tmp_path / "a.mp4", count=60)
    for _ in range(10):
        video = open_video(path, decoder=decoder)
        read, started = [], threading.Event()

        def run(video=video, read=read, started=started):
            for frame in video:
                read.append(frame.number)
                started.set()

        thread = threading.Thread(target=run)
        thread.start()
        assert started.wait(10)
        video.close()
        video.close()
        thread.join(10)
        assert not thread.is_alive()
        assert read == list(range(len(read)))
    assert list(video) == []


@both
def test_readers_leave_no_file_open(tmp_path, decoder):
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip(f"no {folder} here")
    before = len(list(folder.iterdir()))
    path = film(tmp_path / "a.mp4")
    for _ in range(5):
        with open_video(path, decoder=decoder) as video:
            next(iter(video))
        list(open_video(path, decoder=decoder))
        list(open_video(path, stop=3, decoder=decoder))
    assert len(list(folder.iterdir())) == before


@both
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.mp4", b"", "it is an empty file"),
        ("a.mp4", b"hello\n" * 100, "it is text that begins with 'hello'"),
        ("a.txt", b"hello\n" * 100, "it is text"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:1\nhttp://example.org/a.ts\n", "it is a playlist"),
        ("a.mp4", b"version https://git-lfs.github.com/spec/v1\noid x\n", "Git LFS"),
        ("a.avi", cv2.imencode(".png", painted(1))[1].tobytes(), "it is a PNG image"),
        ("a.jpg", cv2.imencode(".jpg", painted(1))[1].tobytes(), "it is a JPEG image"),
        ("a.mp4", b"\x89HDF\r\n\x1a\n" + bytes(99), "it is an HDF5 file"),
        ("a.mp4", bytes(range(1, 200)) * 20, "it begins with the bytes 01 02 03"),
        ("a.mp4", b"\0\0\0\x20ftypisom" + bytes(50), "no index (moov)"),
    ],
)
def test_what_is_no_video_is_told_by_its_first_bytes(tmp_path, decoder, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match="not a video") as caught:
        open_video(path, decoder=decoder)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@both
def test_no_file_a_folder_and_no_frames(tmp_path, decoder, av):
    with pytest.raises(DataError, match=r"none.mp4: no such video file"):
        open_video(tmp_path / "none.mp4", decoder=decoder)
    with pytest.raises(DataError, match="a folder, expected a video file"):
        open_video(tmp_path, decoder=decoder)
    path = tmp_path / "empty.avi"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuvj420p"
        file.start_encoding()
    with pytest.raises(DataError, match=r"empty.avi: .*(without frames|not a video)"):
        open_video(path, decoder=decoder)


def test_sound_alone_is_no_video(tmp_path, av):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        file.mux(stream.encode(sound))
    with pytest.raises(DataError, match="no video in it"):
        open_video(path, decoder="PyAV")


def test_a_video_of_which_nothing_can_be_decoded(tmp_path):
    path = film(tmp_path / "a.mp4", count=3, g="1", **QUICK)
    for packet in range(3):
        overwritten(path, packet)
    video = open_video(path, decoder="PyAV")
    with pytest.raises(DataError, match="not one of its 3 frames can be decoded"):
        list(video)


def test_a_name_is_a_file_and_never_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = film(tmp_path / "a.mp4")
    for name in ("concat:a.mp4", "100%d.mp4", "ä ü.mp4"):
        made = made.rename(tmp_path / name)
        assert len(list(open_video(name, decoder="PyAV"))) == COUNT


def test_names_that_are_not_utf8(tmp_path):
    made = film(tmp_path / "a.mp4")
    try:
        path = made.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))
    except OSError:
        pytest.skip("no such names here")
    assert len(list(open_video(path, decoder="PyAV"))) == COUNT
    with pytest.raises(DataError, match="OpenCV cannot take a name that is not UTF-8"):
        open_video(path, decoder="OpenCV")


SPOILT = {
    "a.mp4": lambda path: film(path, g="10", noise=20, **QUICK),
    "b.mp4": lambda path: film(path, g="10", noise=20, container=QUICK["container"]),
    "c.mkv": lambda path: film(path, "libx265", noise=20, **{"x265-params": "log-level=none"}),
    "d.webm": lambda path: film(path, "libvpx-vp9", noise=20, g="10"),
    "e.avi": lambda path: film(path, "mjpeg", pixels="yuvj420p", noise=20),
    "f.avi": lambda path: film(path, "mpeg4", noise=20, g="10", bf="2"),
    "g.mkv": lambda path: film(path, "ffv1", pixels="bgr0", noise=20),
    "h.ts": lambda path: film(path, noise=20, g="10"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_no_number_of_rows_is_wrong_in_silence(tmp_path, name):
    """Bytes spoilt at places drawn at random: all rows are there, or it is said."""
    path = SPOILT[name](tmp_path / name)
    whole = path.read_bytes()
    head = 400 if name.endswith("webm") else min(place for place, _ in packets(path) if place)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        data = np.frombuffer(whole, np.uint8).copy()
        for place in rng.integers(head, len(data) - 60, rng.integers(1, 4)):
            part = data[place : place + rng.choice([1, 8, 200, 1000])]
            part[:] = rng.integers(0, 256, len(part)) * rng.integers(0, 2)
        path.write_bytes(data.tobytes())
        try:
            with open_video(path, decoder="PyAV") as video:
                frames = list(video)
        except DataError as error:
            assert str(path) in str(error)
            continue
        assert len(frames) == COUNT or video.warnings(), seed
        assert [frame.number for frame in frames] == list(range(len(frames)))
        if name.endswith("mp4"):
            assert len(frames) == COUNT, "its index says where each frame is"


@pytest.mark.slow
@both
def test_memory_is_constant(tmp_path, decoder):
    path = film(tmp_path / "long.mp4", count=20_000, preset="ultrafast")
    used = []
    for frame in open_video(path, decoder=decoder):
        if frame.number in (2000, 19_999):
            used.append(memory_in_use())
    assert used[1] - used[0] < 20e6
