"""Too many open files."""

import errno
import io
import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest
from runs import TINY

from hrpose import config
from hrpose.datasets import images, make_loader
from hrpose.datasets.transforms import Transform
from hrpose.engine.train import train
from hrpose.errors import LoaderError
from hrpose.rundir import checkpoints


class FewFiles(Transform):
    """A transform after which its process may open only `more` files more."""

    def __init__(self, more):
        self.more = more

    def __call__(self, sample, rng):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = len(list(Path("/proc/self/fd").iterdir())) + self.more
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
        return sample


@pytest.mark.fault(
    name="too many open files in a loader worker",
    does="a worker may open no, one or two files more when it sends a batch",
    expects="an error that says so, and what to do; not that memory is short",
)
@pytest.mark.parametrize("more", [0, 1, 2])
def test_in_a_worker(herd, happened, more):
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc here, in which a process counts its files")
    dataset = herd.open()
    dataset.pipeline = (*dataset.pipeline, FewFiles(more))
    loader = make_loader(dataset, 1, 2, False, False, timeout=60)
    held = []
    with pytest.raises(LoaderError) as caught:
        held.extend(loader)
    said = str(caught.value)
    assert said.startswith("too many open files") and "ulimit -n 65536" in said
    assert "data.workers lower" in said and "memory" not in said and "Traceback" not in said
    happened(f"LoaderError: {said[:70]} ...")


@pytest.fixture
def no_more_files(monkeypatch):
    """The system refuses to open images from a certain call on."""

    def arrange(opened):
        calls = []

        def full(path):
            calls.append(path)
            if len(calls) > opened:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
            return file_io(path)

        file_io = io.FileIO
        monkeypatch.setattr(images, "io", SimpleNamespace(FileIO=full))

    return arrange


@pytest.mark.fault(
    name="too many open files while images are read",
    does="the system opens no image more while a batch is made, in the main process and in a "
    "worker; also with on_bad_image='skip'",
    expects="an error that says so; no image counts as bad, none is skipped",
)
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
def test_in_a_batch(herd, happened, no_more_files, workers, on_bad_image):
    dataset = herd.open(on_bad_image=on_bad_image)
    loader = make_loader(dataset, 1, workers, False, False, timeout=60)
    no_more_files(2)
    held = []
    with pytest.raises(LoaderError) as caught:
        held.extend(loader)
    said = str(caught.value)
    assert "Too many open files" in said and "ulimit -n 65536" in said
    assert "restore the file" not in said and "Traceback" not in said
    happened("LoaderError: ....png: Too many open files: raise the limit (ulimit -n 65536) ...")


@pytest.mark.fault(
    name="too many open files while images are looked at",
    does="the system opens no second image, with on_bad_image='skip'",
    expects="an error that says so; no image counts as bad",
)
def test_in_the_look(herd, happened, no_more_files):
    from hrpose.datasets.preflight.look import look_through

    dataset = herd.open(on_bad_image="skip")
    no_more_files(1)
    with pytest.raises(LoaderError, match="Too many open files"):
        look_through(dataset, True, lambda items, n, title: items)
    happened("LoaderError as the images are looked at")


@pytest.mark.fault(
    name="too many open files at a checkpoint",
    does="the system opens no file for latest.pth at the first save; it does at the next",
    expects="said with its reason; the training goes on and the end is saved",
)
def test_at_a_checkpoint(tmp_path, happened, monkeypatch):
    calls = []
    whole = Path.open

    def full(path, mode="r", *rest, **options):
        if mode == "xb" and "latest" in path.name:
            calls.append(path)
            if len(calls) == 1:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return whole(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", full)
    train(config.load(TINY, ["runner.val_interval=0"]), tmp_path / "run")
    said = (tmp_path / "run/train.log").read_text()
    assert "latest.pth: Too many open files; training goes on" in said
    assert checkpoints.read_training(tmp_path / "run/latest.pth")["meta"]["epoch"] == 2
    happened("said; the end is saved")
