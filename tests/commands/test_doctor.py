"""`hrpose doctor` on machines in order and out of order."""

import argparse
import sys
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from hrpose import environment
from hrpose.commands import doctor
from hrpose.processes import device


@pytest.fixture(autouse=True)
def without_bf16(monkeypatch):
    """Half a second less a look."""
    monkeypatch.setattr(device, "has_bf16", lambda: False)


@pytest.fixture
def seen(capsys):
    """The exit status of the doctor, and its lines by their first word."""

    def look():
        status = doctor.run(argparse.Namespace())
        lines = capsys.readouterr().out.splitlines()
        words = ("ok", "warning", "hinders")
        return status, {
            word: [line[9:] for line in lines if line.startswith(f"{word:<8} ")] for word in words
        }, lines[-1]  # fmt: skip

    return look


def test_a_machine_that_runs_these_tests_is_in_order(seen, monkeypatch):
    monkeypatch.setattr(doctor, "requires", lambda name: ["numpy>=1.26", "zzz; extra == 'all'"])
    status, lines, last = seen()
    assert (status, lines["hinders"], last) == (0, [], "nothing hinders hrpose")
    text = "\n".join(lines["ok"])
    for word in ("hrpose 0.1.0", "Python 3.", "config pages", f"numpy {np.__version__}",
                 "cv2 is OpenCV 4", f"torch works with NumPy {np.__version__}", "threads of torch",
                 "cache folder"):  # fmt: skip
        assert word in text
    assert sum(line.startswith("extra ") for line in lines["ok"]) == len(environment.EXTRAS)


def test_torch_and_cv2_that_cannot_be_imported_are_said_once_each(seen, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    status, lines, last = seen()
    assert status == 1
    assert [line.partition(":")[0] for line in lines["hinders"]] == ["import torch", "import cv2"]
    assert last == "2 of these hinder hrpose"


def test_requirements_that_are_missing_or_too_old(seen, monkeypatch):
    wanted = ["numpy>=99", "no-such-package>=2", "pytest", "zzz; python_version < '3'"]
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    status, lines, _ = seen()
    assert status == 1
    assert lines["hinders"] == [
        f'numpy {np.__version__}; python -m pip install "numpy>=99"',
        'no-such-package is missing; python -m pip install "no-such-package>=2"',
    ]
    assert f"pytest {pytest.__version__}" in lines["ok"]


def test_run_from_a_folder_versions_are_not_compared(seen, monkeypatch):
    def absent(name):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", absent)
    assert "hrpose is not installed but run from a folder" in seen()[1]["warning"][0]


def test_opencv_5_hinders_and_several_owners_are_a_warning(seen, monkeypatch):
    owners = {"opencv-python": "4.11.0.86", "opencv-python-headless": "5.0.0.93"}
    for module in (doctor, environment):
        monkeypatch.setattr(module, "opencv_owners", lambda: owners)
    import cv2

    assert "opencv-python 4.11.0.86, opencv-python-headless 5.0.0.93" in seen()[1]["warning"][0]
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    status, lines, _ = seen()
    assert status == 1
    assert "cv2 is OpenCV 5.0.0" in lines["hinders"][0]
    assert "opencv-python-headless 5.0.0.93" in lines["hinders"][0]


def test_the_rest_of_an_uninstalled_opencv(seen, monkeypatch):
    rest = ModuleType("cv2")  # a folder without __init__: it imports, and is empty
    rest.__path__ = ["/somewhere/cv2"]
    monkeypatch.setitem(sys.modules, "cv2", rest)
    status, lines, _ = seen()
    assert status == 1
    assert len(lines["hinders"]) == 1
    assert "['/somewhere/cv2'] is an empty folder, as is left when" in lines["hinders"][0]


def test_packages_that_were_built_for_another_numpy(seen, monkeypatch):
    import torch

    def refuse(array):
        raise RuntimeError("Numpy is not available\nand more")

    monkeypatch.setattr(torch, "from_numpy", refuse)
    status, lines, _ = seen()
    assert status == 1
    sentence = f"torch does not work with NumPy {np.__version__} (RuntimeError: Numpy is not"
    assert lines["hinders"][0].startswith(sentence) and "numpy<2" in lines["hinders"][0]


def test_small_shared_memory_and_a_cache_that_cannot_be_written(seen, monkeypatch, tmp_path):
    small = SimpleNamespace(total=64 << 20, free=64 << 20)
    monkeypatch.setattr(doctor, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: small)
    (tmp_path / "file").touch()
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "file/cache"))
    status, lines, _ = seen()
    assert status == 0
    assert f"{tmp_path}: 0.06 GiB, 0.06 free; loader workers need more" in lines["warning"][0]
    assert f"cache folder {tmp_path}/file/cache: cannot be written" in lines["warning"][1]


def test_a_driver_without_a_torch_that_uses_it(seen, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert "no GPU: this machine has an NVIDIA driver" in seen()[1]["warning"][0]


def test_an_extra_that_is_broken_is_a_warning_and_a_missing_one_is_not(seen, monkeypatch, tmp_path):
    (tmp_path / "hrpose_broken.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.syspath_prepend(tmp_path)
    extras = {"video": ("hrpose_absent",), "coco": ("hrpose_broken",), "dlc": ("json",)}
    monkeypatch.setattr(doctor, "EXTRAS", extras)
    status, lines, _ = seen()
    assert status == 0
    assert (
        'extra video: without hrpose_absent; python -m pip install "hrpose[video]"' in lines["ok"]
    )
    assert "extra dlc: json" in lines["ok"]
    assert lines["warning"] == [
        "extra coco: hrpose_broken cannot be imported (ValueError: numpy.dtype size changed); "
        'python -m pip install "hrpose[coco]"'
    ]


def test_bf16_of_this_processor_is_measured(seen, monkeypatch):
    monkeypatch.setattr(device, "has_bf16", lambda: True)
    monkeypatch.setattr(device, "gain_of_bf16", lambda: 1.87)
    lines = seen()[1]["ok"]
    assert any("a convolution is 1.9 times as fast as in fp32 now" in line for line in lines)
    monkeypatch.undo()
    start = time.perf_counter()
    assert 0.05 < device.gain_of_bf16(0.01) < 50
    assert time.perf_counter() - start < 10  # a busy machine; by itself it takes a tenth
