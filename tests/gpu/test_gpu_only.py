"""What only a GPU can show; tools/gpu_night.py runs these and reports them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hrpose import config
from hrpose.engine import placement
from hrpose.engine.evaluate import Estimator
from hrpose.engine.experiment import prepare
from hrpose.engine.placement import on_device, wrapped
from hrpose.engine.train import train

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "pages" / "tiny.py"
QUIET = ("runner.val_interval=0", "runner.log_interval=1")
pytestmark = pytest.mark.gpu


def page(*changes):
    return config.load(TINY, [*QUIET, *changes])


def weights(folder):
    return torch.load(folder / "latest.pth", map_location="cpu", weights_only=True)["state_dict"]


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def hrpose(*words, **variables):
    """A run as a process of its own, whose settings of CUDA stay there."""
    return subprocess.run(
        [sys.executable, "-c", *map(str, words)], cwd=ROOT, capture_output=True, text=True,
        timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip


RUN = """
import sys
from pathlib import Path
from hrpose import config
from hrpose.engine.train import train
page, folder, resume, *changes = sys.argv[1:]
train(config.load(page, changes), Path(folder), resume or None)
"""


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_deterministic_resume(gpu, tmp_path, record_property, precision):
    """One epoch, then the second by --resume, against both in one: equal to the bit."""
    common = [*QUIET, "runner.deterministic=True", f"runner.precision={precision!r}"]
    for folder, resume, epochs in (("whole", "", 2), ("parts", "", 1), ("parts", "auto", 2)):
        done = hrpose(
            RUN, TINY, tmp_path / folder, resume, *common, f"runner.epochs={epochs}",
            CUBLAS_WORKSPACE_CONFIG=":4096:8",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    record_property("happened", "equal to the bit")


def exact():
    """Convolutions that round to nothing coarser than fp32, the same ones each time."""
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )


FEW_MEGABYTES = """
import torch
total = torch.cuda.get_device_properties(0).total_memory
torch.cuda.set_per_process_memory_fraction(1.2e9 / total, 0)
"""


def test_batches_are_halved_when_memory_runs_out(gpu, tmp_path, record_property):
    """128 crops of 256x256 through W32 need 25 GB; this process may have 1.2."""
    changes = ["codec.input_size=(256,256)", "codec.heatmap_size=(64,64)", "runner.epochs=1"]
    changes += ["model.backbone.width=32", "data.batch_size=128", "data.train.length=128"]
    done = hrpose(FEW_MEGABYTES + RUN, TINY, tmp_path / "run", "", *QUIET, *changes)
    assert done.returncode == 0, done.stderr[-2000:]
    parts = [int(n) for n in re.findall(r"through the network in (\d+) parts", done.stdout)]
    assert parts and parts == sorted(parts)
    assert all(value.isfinite().all() for value in weights(tmp_path / "run").values())
    record_property("happened", f"in {parts[-1]} parts of {128 // parts[-1]} animals")


def test_scaler_of_fp16(gpu, tmp_path, record_property):
    """From a scale that is far too high it comes down, however many steps that skips."""
    run = RUN.replace(
        "train(config",
        "import torch\n"
        "from hrpose.engine import train as module\n"
        "module.grad_scaler = lambda p, d: torch.amp.GradScaler('cuda', init_scale=2.0**60)\n"
        "train(config",
    )
    changes = ["runner.precision='fp16'", "runner.epochs=20"]
    done = hrpose(run, TINY, tmp_path / "run", "", *QUIET, *changes)
    assert done.returncode == 0, done.stderr[-2000:]
    saved = torch.load(tmp_path / "run/latest.pth", map_location="cpu", weights_only=True)
    assert saved["meta"]["skipped"] > 10 and saved["meta"]["skipped_in_a_row"] == 0
    assert saved["scaler"]["scale"] < 2.0**50
    told = f"{saved['meta']['skipped']} steps skipped, scale {saved['scaler']['scale']:g}"
    record_property("happened", told)


def test_nccl_with_one_process(gpu, monkeypatch, tmp_path):
    """The gradients of a DistributedDataParallel over NCCL are those of the model alone."""
    experiment = prepare(page())
    model = on_device(experiment.model, experiment.settings, gpu)
    images = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8, device=gpu)
    torch.distributed.init_process_group(
        "nccl", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1
    )
    try:
        monkeypatch.setattr(placement.distributed, "world_size", lambda: 2)
        network = wrapped(model, experiment.settings, gpu)
        monkeypatch.undo()
        found = []
        with exact():
            for one in (model, network):
                model.zero_grad()
                one(images).square().mean().backward()
                found.append([p.grad.clone() for p in model.parameters()])
    finally:
        torch.distributed.destroy_process_group()
    for alone, shared in zip(*found, strict=True):
        torch.testing.assert_close(shared, alone, rtol=1e-3, atol=1e-6)


def test_checkpoints_to_the_cpu_and_back(gpu, tmp_path):
    """A run begun on the GPU goes on on the CPU, and then on the GPU again."""
    folder = tmp_path / "run"
    for number, device in enumerate(("cuda", "cpu", "cuda"), start=1):
        changes = (f"runner.device={device!r}", f"runner.epochs={number}", "runner.ema=0.9")
        progress = train(page(*changes), folder, "auto" if number > 1 else None)
        assert (progress.epoch, progress.iteration) == (number, 4 * number)
    saved = torch.load(folder / "latest.pth", map_location="cpu", weights_only=True)
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


def test_prediction_of_cpu_and_gpu(gpu, tmp_path, record_property):
    """The same weights and crops, in fp32 without TF32: the same keypoints."""
    train(page("runner.device='cpu'", "runner.epochs=2"), tmp_path / "run")
    experiment = prepare(page())
    experiment.model.load_state_dict(weights(tmp_path / "run"))
    dataset = experiment.dataset("val")
    crops = torch.stack([torch.as_tensor(dataset[(0, i)]["image"]) for i in range(len(dataset))])
    images = crops.permute(0, 3, 1, 2)
    with exact():
        points = [
            Estimator(experiment.model.to(device), device, "fp32")(images)()[0]
            for device in (torch.device("cpu"), gpu)
        ]
    apart = abs(points[0] - points[1])
    record_property("happened", f"largest difference {apart.max():.2g} px")
    assert (apart < 1e-2).mean() > 0.99  # a point whose two highest cells are alike may move
