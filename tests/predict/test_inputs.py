"""INPUT...: what each form stands for, and one clear line for each that is wrong."""

import io
import json
import sys
from pathlib import Path

import pytest
from pictures import write_picture

from hrpose.errors import DataError
from hrpose.predict.inputs import jobs_of, natural_key, shard


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """cage/img{1,2,10}.png, a/run.mp4, b/run.mp4, empty/ and a text, seen from inside."""
    for number in (10, 2, 1):
        write_picture(tmp_path / "cage" / f"img{number}.png")
    for name in ("a/run.mp4", "b/run.mp4", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_read_in_natural_order(tree):
    (job,) = jobs_of(["cage"])
    assert (job.kind, job.stem) == ("images", "cage")
    assert job.labels == ["cage/img1.png", "cage/img2.png", "cage/img10.png"]
    assert natural_key("img2") < natural_key("img10") < natural_key("img10b")


@pytest.mark.parametrize("name", ["cage/*.png", "@list.txt", "-"])
def test_patterns_and_lists(tree, monkeypatch, name):
    lines = "cage/img1.png\n\ncage/img2.png\ncage/img10.png\n"
    Path("list.txt").write_text(lines)
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    (job,) = jobs_of([name])
    assert job.labels == ["cage/img1.png", "cage/img2.png", "cage/img10.png"]


def test_a_coco_file_with_images_alone(tree):
    Path("some.json").write_text(json.dumps({"images": [{"id": 7, "file_name": "img2.png"}]}))
    (job,) = jobs_of(["some.json"], image_root=Path("cage"))
    assert (job.stem, job.image_ids, job.paths) == ("some", [7], [Path("cage/img2.png")])
    with pytest.raises(DataError, match=r"none of its 1 images is in \. .* --img-root"):
        jobs_of(["some.json"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cagee"], "cagee: no such file or folder; did you mean 'cage'"),
        (["no/where.png"], "there is no folder no"),
        (["cage/*.jpg"], "no file is called so"),
        (["empty"], "empty: no image and no video in this folder"),
        (["notes.txt"], "neither an image nor a video by its name"),
        (["@missing.txt"], "the list missing.txt cannot be read"),
        (["a/run.mp4", "b/run.mp4"], "a/run.mp4 and b/run.mp4: both tables would be called run"),
    ],
)
def test_each_fault_is_one_line(tree, names, message):
    with pytest.raises(DataError) as error:
        jobs_of(["cage", *names])
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_all_faults_come_together(tree):
    with pytest.raises(DataError) as error:
        jobs_of(["cagee", "empty", "a/run.mp4", "b/run.mp4"])
    assert len(str(error.value).splitlines()) == 3


def test_keep_tree_mirrors_the_folders(tree):
    jobs = jobs_of(["."], keep_tree=True)
    places = {(job.folder / job.stem).as_posix(): job.kind for job in jobs}
    assert places == {"a/run": "video", "b/run": "video", "cage": "images"}


def test_every_job_is_in_one_shard(tree):
    jobs = jobs_of(["."], keep_tree=True)
    parts = [shard(jobs, part, 2) for part in (1, 2)]
    assert [len(part) for part in parts] == [2, 1]
    assert sorted(str(job) for part in parts for job in part) == sorted(map(str, jobs))
