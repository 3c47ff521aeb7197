"""The command lines as a user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TINY = "tests/pages/tiny.py"


def tool(name, *arguments):
    return subprocess.run(
        [sys.executable, f"tools/{name}", *map(str, arguments)],
        capture_output=True, text=True, cwd=ROOT, timeout=300, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("train.py", ["--work-dir", "--resume", "--load-from", "--amp", "--seed", "--deterministic",
                      "--no-validate", "--auto-scale-lr", "--cfg-options"]),
        ("test.py", ["--work-dir", "--ann-file", "--img-root", "--out", "--cfg-options"]),
        ("evaluate.py", ["--ann-file", "--img-root", "--out", "--compare", "--nms", "--images",
                         "--allow-missing", "--resamples", "--seed", "--cfg-options"]),
        ("print_config.py", ["--cfg-options"]),
        ("reproduce.py", ["--data-root", "--work-dir", "--tolerance", "--train", "--seeds",
                          "--mirror", "--metafile", "--cfg-options"]),
        ("get_flops.py", ["--shape", "--cfg-options"]),
        ("check_data.py", ["--full", "--splits", "--cfg-options"]),
        ("fault_report.py", ["--slow", "--out"]),
        ("parity.py", ["--golden", "--data", "--out"]),
        ("gpu_night.py", ["--stages", "--out", "--folder", "--minutes", "--train-minutes", "--data",
                          "--rehearse", "--config", "--cfg-options"]),
    ],
)  # fmt: skip
def test_help_lists_the_options(name, options):
    done = tool(name, "--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["configs/no_such_page.py"], ["no_such_page.py", "no such config page"]),
        ([TINY, "--cfg-options", "runner.epoch=1"], ["runner", "did you mean 'epochs'?"]),
        ([TINY, "--load-from", "nowhere.pth"], ["nowhere.pth"]),
        ([TINY, "--resume", "nowhere.pth"], ["nowhere.pth"]),
    ],
)
def test_bad_input_ends_with_one_message_and_no_traceback(tmp_path, arguments, words):
    done = tool("train.py", *arguments, "--work-dir", tmp_path / "run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words)


def test_a_missing_data_root_is_named(tmp_path):
    page = "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py"
    done = tool("train.py", page, "--work-dir", tmp_path / "run",
                "--cfg-options", "data.root=/nowhere/horse10", "pretrained=None")  # fmt: skip
    assert done.returncode == 2
    assert "/nowhere/horse10" in done.stderr
    assert "Traceback" not in done.stderr


def test_get_flops_prints_the_table():
    done = tool("get_flops.py", TINY, "--shape", 64, 32, "--cfg-options", "model.flip_test=False")
    assert done.returncode == 0, done.stderr
    assert "64 x 32 px (w x h)" in done.stdout
    assert "keypoint_head.final_layer" in done.stdout and "GMAC an image" in done.stdout
    done = tool("get_flops.py", TINY, "--shape", 250, 256)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--shape 250 256: both must be multiples of 32" in done.stderr


def test_train_then_test_on_coco_files(tmp_path):
    """A COCO data set on disk: --no-validate, --amp, --ann-file, --img-root and --out."""
    from hrpose import config
    from hrpose.datasets.synthetic import write_coco
    from hrpose.engine.experiment import prepare

    data = prepare(config.load(ROOT / TINY)).dataset("val")
    write_coco(data, tmp_path / "herd")
    page = tmp_path / "herd.py"
    page.write_text(
        f"_base_ = {str(ROOT / TINY)!r}\n"
        "data = dict(root='/nowhere/at/all', "
        "test=dict(_delete_=True, type='CocoPoseDataset', ann_file='', img_root=''))\n"
    )
    run = tmp_path / "run"
    done = tool("train.py", page, "--work-dir", run, "--no-validate", "--amp", "--seed", 3,
                "--cfg-options", "runner.epochs=1", "data.train.length=4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not list(run.glob("best_*"))
    done = tool(
        "test.py", page, run / "latest.pth", "--work-dir", tmp_path / "out",
        "--ann-file", tmp_path / "herd/annotations.json", "--img-root", tmp_path / "herd/images",
        "--out", tmp_path / "mine.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "PCK@0.3" in done.stdout
    assert "Nearhindfetlock" in done.stdout
    assert (tmp_path / "mine.json").is_file()
    assert (tmp_path / "out/metrics.json").is_file()
    assert (tmp_path / "out/predictions.png").stat().st_size > 10_000

    (tmp_path / "herd/images").rename(tmp_path / "elsewhere")
    done = tool(
        "evaluate.py", page, tmp_path / "mine.json", "--out", tmp_path / "scored.json",
        "--ann-file", tmp_path / "herd/annotations.json", "--img-root", tmp_path / "herd/images",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "warning: intervals and p come from 6 images with animals, too few" in done.stdout
    tested, scored = (
        json.loads((tmp_path / name).read_text()) for name in ("out/metrics.json", "scored.json")
    )
    for part in ("metrics", "per_keypoint", "notes"):
        assert scored[part] == tested[part]
    for part in ("config_sha256", "annotations_sha256", "versions", "animals", "left_out"):
        assert part in scored["provenance"] and part in tested["provenance"]
    assert scored["provenance"]["annotations_sha256"] == tested["provenance"]["annotations_sha256"]
    assert set(scored["intervals"]) == set(scored["metrics"])


def test_evaluate_names_the_entry_and_shows_no_traceback(tmp_path):
    labels = "tests/golden/data/horse10/test_horse10.json"
    (tmp_path / "p.json").write_text('[{"image_id": 100, "keypoints": [1, 2, 3]}]')
    page = "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py"
    done = tool("evaluate.py", page, tmp_path / "p.json", "--ann-file", labels)
    assert done.returncode == 2
    assert "p.json: entry 0 (image_id 100): has 3 keypoint numbers, expected 3 * 22" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_data_names_the_faults_of_each_split(tmp_path, monkeypatch):
    from hrpose import config
    from hrpose.datasets.synthetic import write_coco
    from hrpose.engine.experiment import read_dataset

    write_coco(read_dataset(config.load(ROOT / TINY), "val"), tmp_path)
    page = tmp_path / "page.py"
    files = "dict(_delete_=True, type='CocoPoseDataset', ann_file='annotations.json', "
    page.write_text(
        f"_base_ = {str(ROOT / TINY)!r}\n"
        f"data = dict(root={str(tmp_path)!r}, val={files} img_root='images'), "
        f"test={files} img_root='gone'))\n"
    )
    (tmp_path / "images/000002.png").write_bytes(b"")
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    done = tool("check_data.py", page, "--full")
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0), done.stderr
    assert "train: SyntheticAnimals" in done.stdout and "no image files" in done.stdout
    assert "6 images looked at (decoded), 1 cannot be used:" in done.stdout
    assert "000002.png: the file is empty [annotation 3 of " in done.stdout
    assert "test: DataError: image folder" in done.stdout and "gone does not exist" in done.stdout
    assert done.stdout.endswith("2 faults\n")
    done = tool("check_data.py", page, "--splits", "train")
    assert (done.returncode, done.stdout.endswith("no fault\n")) == (0, True)
