"""The look at the images before a run: every fault, once, and what it costs the second time."""

import os
import time

import numpy as np
import pytest
from PIL import Image

from hrpose.datasets.preflight import look
from hrpose.datasets.preflight.good_images import (
    good_images_path,
    read_good_images,
    write_good_images,
)
from hrpose.datasets.preflight.look import look_through, require_good_images
from hrpose.datasets.synthetic import SyntheticAnimals
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "good_images.npy"


@pytest.fixture
def reads(monkeypatch):
    """The paths whose bytes are read."""
    import hrpose.datasets.preflight.image_file as module

    read, paths = module.read_file, []
    monkeypatch.setattr(module, "read_file", lambda path: paths.append(path) or read(path))
    return paths


def spoil(toy):
    """Images 0 empty, 1 cut off, 2 no image, 3 missing, 4 in another case; 5 is good."""
    folder = toy.root / "images"
    (folder / "0.jpg").write_bytes(b"")
    (folder / "1.jpg").write_bytes((folder / "1.jpg").read_bytes()[:-30])
    (folder / "2.jpg").write_text("<html>404</html>")
    (folder / "3.jpg").unlink()
    (folder / "4.jpg").rename(folder / "4.JPG")
    return folder


@pytest.mark.parametrize("full", [False, True])
def test_good_images(toy, meta, test_steps, full):
    found = look_through(toy.open(meta, test_steps), full)
    assert (found.images, found.problems, found.notes) == (6, [], [])
    how = "decoded" if full else "JPEG files read, others decoded"
    assert found.summary() == f"6 images looked at ({how}), all can be used"


@pytest.mark.parametrize("full", [False, True])
def test_every_fault_is_named(toy, meta, test_steps, full):
    folder = spoil(toy)
    lines = look_through(toy.open(meta, test_steps), full).summary().splitlines()
    expected = [
        "images looked at",
        "0.jpg: the file is empty",
        "1.jpg: the image is cut off (it has no end marker)",
        "2.jpg: not an image that OpenCV can decode",
        "3.jpg: no such image",
        f"4.jpg: no such image; there is {folder / '4.JPG'}",
    ]
    assert len(lines) == 6
    for number, (line, words) in enumerate(zip(lines, expected, strict=True)):
        assert words in line
        assert number == 0 or f"[annotation {49 + number} of {toy.root / 'ann.json'}]" in line


def test_damaged_pixels_are_found(toy, meta, test_steps):
    path = toy.root / "images/1.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path := path.with_suffix(".png"))
    data = bytearray(path.read_bytes())
    place = data.find(b"IDAT") + 2000
    data[place : place + 400] = bytes(400)  # the checksum of the pixels is wrong then
    path.write_bytes(bytes(data))
    toy.images[1]["file_name"] = "1.png"
    data = toy.open(meta, test_steps)
    for full in (False, True):
        assert [problem.path for problem in look_through(data, full).problems] == [str(path)]


def test_other_sizes(toy, meta, test_steps):
    for number in (1, 2):
        path = toy.root / f"images/{number}.jpg"
        Image.open(path).resize((90, 70)).save(path)
    toy.annotations[2]["bbox"] = [60, 20, 40, 30]
    found = look_through(toy.open(meta, test_steps))
    (problem,) = found.problems
    assert problem.path.endswith("2.jpg")
    assert "is 90 x 70 px, its annotation says 100 x 80 and lies partly outside" in problem.why
    (note,) = found.notes
    assert note.startswith("1 images have another size than annotated, with all animals inside (")
    data = toy.open(meta, test_steps)
    assert "image" in data[1]
    with pytest.raises(DataError, match="is 90 x 70 px"):  # the check says what training will say
        data[2]


def test_the_size_before_the_turn(toy, meta, test_steps):
    for number in (1, 2):
        path = toy.root / f"images/{number}.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(path).save(path, exif=exif)
    toy.annotations[1].update(bbox=[5, 5, 60, 60], keypoints=[12, 22, 2] + [0] * 9)
    toy.annotations[2]["bbox"] = [60, 20, 40, 30]
    for full in (False, True):
        found = look_through(toy.open(meta, test_steps), full)
        (problem,) = found.problems
        assert problem.path.endswith("2.jpg") and "before its EXIF orientation" in problem.why
        (note,) = found.notes
        assert note.startswith("1 images have the annotated size only before their EXIF")


def test_an_image_with_two_animals_is_looked_at_once(toy, meta, test_steps, reads):
    toy.annotations[1]["image_id"] = 20
    (toy.root / "images/0.jpg").write_bytes(b"GIF89a")
    data = toy.open(meta, test_steps)
    found = look_through(data)
    assert found.images == 5 and len(reads) == 5
    assert str(found.problems[0]).endswith(f"[annotation 50 of {toy.root / 'ann.json'} and 1 more]")


def test_what_was_good_is_read_again_only_once_changed(toy, meta, test_steps, cache, reads):
    data = toy.open(meta, test_steps)
    look_through(data)
    assert len(reads) == 6 and cache.stat().st_size < 400
    look_through(data)
    assert len(reads) == 6
    os.utime(toy.root / "images/3.jpg", (1, 1))
    (toy.root / "images/4.jpg").write_bytes(b"")
    assert len(look_through(data).problems) == 1
    assert [path[-5:] for path in reads[6:]] == ["3.jpg"]
    assert look_through(data, full=True).images == 6
    assert len(reads) == 12, "headers alone do not stand for a whole image"
    look_through(data)
    look_through(data, full=True)
    assert len(reads) == 12


def test_a_problem_is_never_remembered(toy, meta, test_steps, cache):
    spoil(toy)
    data = toy.open(meta, test_steps)
    assert len(look_through(data).problems) == len(look_through(data).problems) == 5


@pytest.mark.parametrize("content", [b"", b"broken", b"\x93NUMPY\x01\x00", b"PK\x03\x04"])
def test_a_broken_cache_is_ignored(toy, meta, test_steps, cache, content):
    cache.parent.mkdir()
    cache.write_bytes(content)
    assert read_good_images(good_images_path()) == {}
    assert look_through(toy.open(meta, test_steps)).problems == []
    assert len(read_good_images(cache)) == 6


def test_caches_of_another_kind(cache):
    cache.parent.mkdir()
    np.save(cache, np.zeros(3))
    assert read_good_images(cache) == {}
    np.save(cache, np.array([{}], dtype=object), allow_pickle=True)
    assert read_good_images(cache) == {}


def test_the_oldest_go_first(cache, monkeypatch):
    monkeypatch.setattr("hrpose.datasets.preflight.good_images.MOST", 2)
    write_good_images(cache, {5: (1, 2, False), 6: (3, 4, True), 2**64 - 1: (5, 6, False)})
    assert read_good_images(cache) == {6: (3, 4, True), 2**64 - 1: (5, 6, False)}
    assert [path.name for path in cache.parent.iterdir()] == ["good_images.npy"]


def test_a_cache_that_cannot_be_written(toy, meta, test_steps, cache):
    cache.parent.write_text("a file where the folder should be")
    assert look_through(toy.open(meta, test_steps)).problems == []


@pytest.mark.parametrize(
    ("there", "asked", "words"),
    [
        ("A/b.jpg", "a/b.jpg", "; there is {}/A/b.jpg: names that differ in case or spelling"),
        ("a/b.jpeg", "a/b.jpg", "; there is {}/a/b.jpeg"),
        ("a/B.PNG", "a/b.jpg", "; there is {}/a/B.PNG"),
        ("a/caf\u00e9.jpg", "a/cafe\u0301.jpg", "; there is {}/a/caf\u00e9.jpg: names that differ"),
        ("a/c.jpg", "a/b.jpg", ""),
        ("a/c.jpg", "x/c.jpg", "; there is no {}/x"),
    ],
)
def test_proposals(tmp_path, there, asked, words):
    from hrpose.datasets.preflight.image_file import look_at_file

    path = tmp_path / "set" / there
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    why = look_at_file(str(tmp_path / "set" / asked), False, {}).why
    assert why.startswith(f"no such image{words.format(tmp_path / 'set')}")
    assert words or why == "no such image"


def test_what_is_no_file(tmp_path):
    from hrpose.datasets.preflight.image_file import look_at_file

    os.mkfifo(tmp_path / "pipe.jpg")
    assert look_at_file(str(tmp_path / "pipe.jpg"), False, {}).why == "is not a file"
    assert look_at_file(str(tmp_path), False, {}).why == "is not a file"
    assert "cannot be read" in look_at_file(str(tmp_path / ("x" * 300)), False, {}).why


def test_before_a_run(toy, meta, test_steps, tmp_path):
    good = toy.open(meta, test_steps)
    assert require_good_images(good, "val") == (
        "val: 6 images looked at (JPEG files read, others decoded), all can be used"
    )
    spoil(toy)
    with pytest.raises(DataError) as caught:
        require_good_images(toy.open(meta, test_steps), "train", folder=tmp_path)
    lines = str(caught.value).splitlines()
    assert (
        lines[0] == "train: 6 images looked at (JPEG files read, others decoded), 5 cannot be used:"
    )
    assert lines[-1].endswith("or set data.train.on_bad_image='skip' to go on without them")
    assert not list(tmp_path.glob("*.txt"))
    said = require_good_images(toy.open(meta, test_steps, on_bad_image="skip"), "train")
    assert said.endswith("they are left out, as data.train.on_bad_image='skip' says")
    (toy.root / "images/5.jpg").unlink()
    with pytest.raises(DataError, match="6 cannot be used"):
        require_good_images(toy.open(meta, test_steps, on_bad_image="skip"), "train")


def test_many_problems_go_into_a_file(toy, meta, test_steps, tmp_path, monkeypatch):
    monkeypatch.setattr(look, "SHOWN", 2)
    spoil(toy)
    with pytest.raises(DataError) as caught:
        require_good_images(toy.open(meta, test_steps), "train", folder=tmp_path)
    lines = str(caught.value).splitlines()
    path = tmp_path / "bad_images_train.txt"
    assert lines[3:5] == ["  ... and 3 more", f"all of them are in {path}"]
    assert len(path.read_text().splitlines()) == 5


def test_drawn_animals_have_no_files(test_steps):
    data = SyntheticAnimals(2, 0, KeypointMeta("two", ["Nose", "Eye"]), test_steps)
    assert look_through(data).summary() == "no image files"
    assert require_good_images(data, "train") == ""


def test_the_bar_goes_over_all(toy, meta, test_steps):
    seen = []

    def bar(items, total, title):
        for item in items:
            seen.append((total, title))
            yield item

    look_through(toy.open(meta, test_steps), bar=bar)
    assert seen == [(6, "looking at the images")] * 6


def test_ctrl_c_does_not_wait_for_the_rest(toy, meta, test_steps, monkeypatch):
    """Each thread ends the image that it is at, and no other."""
    looked, slow = [], look.ImageFile("slow")
    monkeypatch.setattr(look, "look_at_file", lambda *_: looked.append(time.sleep(0.02)) or slow)
    for number in range(6000):
        toy.images.append({"id": 1000 + number, "file_name": f"x{number}.jpg"})
        toy.annotations.append({**toy.annotations[0], "id": number, "image_id": 1000 + number})
    at = []

    def bar(items, total, title):
        next(items)
        at.append(len(looked))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_through(toy.open(meta, test_steps), bar=bar)
    assert 0 < at[0] < 500 and len(looked) <= at[0] + 2 * look.THREADS
