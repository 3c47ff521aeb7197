"""Without fcntl, fork, signal masks and owners of files, as on Windows, hrpose trains and tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hrpose import config
from hrpose.datasets.synthetic import write_coco
from hrpose.engine.experiment import read_dataset

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tests" / "pages" / "tiny.py"
POVERTY = """
import collections, multiprocessing, os, shutil, signal, sys

command = " ".join(sys.orig_argv)
if "tools" in command or "spawn_main" in command:
    # others think that they are on Linux, and may find there what Linux has
    import filelock, torch.utils.data
    filelock.FileLock = filelock.SoftFileLock  # the one that needs nothing of the system
    if "tools" in command:
        import mmengine.config, torch.utils.tensorboard
        from multiprocessing import resource_tracker
        resource_tracker.ensure_running()
    usage = collections.namedtuple("usage", "total used free")
    shutil.disk_usage = lambda path: usage(10**12, 0, 10**12)  # Windows has a way of its own
    for name in ("fcntl", "resource"):
        sys.modules[name] = None
    for module, names in (
        (os, "getuid geteuid getgid fork statvfs sched_getaffinity killpg setsid getpgid "
             "O_DIRECTORY O_NOFOLLOW"),
        (signal, "pthread_sigmask sigwaitinfo sigwait sigtimedwait"),
    ):
        for name in names.split():
            delattr(module, name)
    multiprocessing.set_start_method("spawn")
    assert not [name for name in sys.modules if name.startswith("hrpose")]
"""
"""Run by Python at its start, in each process: takes away what other systems do not have."""


@pytest.fixture
def page(tmp_path) -> Path:
    """The tiny page, on files, with a cache and two workers."""
    for split in ("train", "val", "test"):
        write_coco(read_dataset(config.load(PAGE), split), tmp_path / "data" / split)
    path = tmp_path / "page.py"
    lines = [f"_base_ = {str(PAGE)!r}"]
    for split in ("train", "val", "test"):
        lines.append(
            f"_{split} = dict(_delete_=True, type='CocoPoseDataset', ann_file='annotations.json', "
            f"img_root='images', root={str(tmp_path / 'data' / split)!r}, "
            "cache=dict(type='ImageCache', gigabytes=0.1))"
        )
    lines.append("data = dict(workers=2, train=_train, val=_val, test=_test)")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def poor(tmp_path, page):
    """Runs a tool on `page` where nearly everything is missing."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(POVERTY)
    (tmp_path / "temporary").mkdir()
    env = {
        **os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1",
        "USERNAME": "somebody", "TMPDIR": str(tmp_path / "temporary"),
        "HRPOSE_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip

    def run(name: str, *arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / f"{name}.py"), str(page), *map(str, arguments)],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr and "arning" not in done.stderr, done.stderr
        return done.stdout

    return run


def rows(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_train_test_and_resume(poor, page, tmp_path):
    """Equal, to the last digit, to a run on this system."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    poor("train", "--work-dir", run, "--cfg-options", "runner.epochs=1")
    assert "2 loader workers" in (run / "train.log").read_text()
    said = poor("train", "--work-dir", run, "--resume")
    assert "resumed from" in said and "memory not known" in said
    poor("test", run / "latest.pth", "--work-dir", run / "test")
    assert not list((tmp_path / "temporary").glob("hrpose*")), "temporary caches are gone"
    assert not list(run.glob(".*.tmp")) and not list(run.glob("*.held"))
    subprocess.run(
        [sys.executable, "tools/train.py", page, "--work-dir", whole],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True, capture_output=True,
    )  # fmt: skip
    assert rows(run) == rows(whole)
    assert [row["epoch"] for row in rows(run) if row["kind"] == "val"] == [1, 2]
    metrics = json.loads((run / "test" / "metrics.json").read_text())["metrics"]
    assert metrics == pytest.approx(rows(run)[-1]["metrics"])
