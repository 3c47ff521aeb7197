"""Checkpoints of other programs."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hrpose.codecs import MSRAHeatmap
from hrpose.errors import CheckpointError
from hrpose.keypoints import KeypointMeta
from hrpose.models import HeatmapHead, HRNet, KeypointMSELoss, TopDown
from hrpose.models.weights import load_weights
from hrpose.storage import checkpoint_file

GOLDEN = Path(__file__).parent.parent / "golden" / "model" / "state_dict_keys.json.gz"


def model(seed: int) -> TopDown:
    torch.manual_seed(seed)
    meta = KeypointMeta("toy", [f"k{i}" for i in range(3)])
    codec = MSRAHeatmap((32, 32), (8, 8))
    return TopDown(HRNet(4), HeatmapHead(4, 3), codec, meta, KeypointMSELoss())


def mmpose_1(state):
    named = {key.replace("keypoint_head.", "head."): value for key, value in state.items()}
    mean = {"data_preprocessor.mean": torch.ones(3, 1, 1)}
    history = {"message_hub": np.arange(12.0).reshape(3, 4), "best": np.float64(0.5)}
    return {"meta": history, "state_dict": mean | named}


def mmcv_ema(state):
    average = {
        f"ema_{key.replace('.', '_')}": value * 0 if value.is_floating_point() else value
        for key, value in state.items()
    }
    return {"meta": {"epoch": 3}, "state_dict": state | average}


def original(state):
    return {
        key.replace("backbone.", "").replace("keypoint_head.", ""): value
        for key, value in state.items()
    }


def beside(prefix, **more):
    return lambda state: {f"{prefix}{key}": value for key, value in state.items()} | more


KINDS = {
    "MMPose 1.x": (
        mmpose_1,
        ["head. is keypoint_head. (MMPose 1.x, 2 entries)",
         "ignored data_preprocessor (1 entry): normalisation of MMPose 1.x; the page's is taken"],
    ),
    "EMA of MMPose 0.x": (
        mmcv_ema,
        ["ignored ema_backbone_bn1_bias, ema_backbone_bn1_num_batches_tracked, "
         "ema_backbone_bn1_running_mean and 1751 more (1754 entries): moving average of mmcv's "
         "EMAHook; the weights beside it are taken"],
    ),
    "the original HRNet": (
        original,
        ["bare names is backbone. (the original HRNet, 1,754 entries)",
         "backbone.final_layer. is keypoint_head.final_layer. (the original HRNet, 2 entries)"],
    ),
    "torch.compile": (beside("_orig_mod."), ["'_orig_mod.' taken off"]),
    "torch.compile in DistributedDataParallel": (
        beside("module._orig_mod."), ["'_orig_mod.' taken off"],
    ),
    "Lightning": (
        lambda state: {"epoch": 3, "state_dict": beside("model.", pck=torch.ones(1))(state)},
        ["'model.' taken off", "ignored pck (1 entry): beside the network, which is 'model.'"],
    ),
    "Lightning around DistributedDataParallel": (
        lambda state: {"state_dict": beside("net.module.")(state)}, ["'net.module.' taken off"],
    ),
    "AveragedModel": (
        beside("module.", n_averaged=torch.tensor(7)),
        ["ignored n_averaged (1 entry): beside the network, which is 'module.'"],
    ),
}  # fmt: skip


@pytest.mark.fault(
    name="checkpoints of other programs",
    does="weights as MMPose 1.x, MMPose 0.x with EMA, the original HRNet, torch.compile, Lightning "
    "and AveragedModel save them, NumPy arrays in `meta` among them; loaded strictly",
    expects="all entries are loaded, and one line says which names were changed and what was "
    "ignored; nothing is initialised anew",
)
@pytest.mark.parametrize("kind", KINDS)
def test_other_programs(tmp_path, happened, kind):
    make, words = KINDS[kind]
    source, target, path = model(1).state_dict(), model(2), tmp_path / "x.pth"
    torch.save(make(dict(source)), path)
    line = load_weights(target, path, strict=True)
    assert all(torch.equal(value, source[key]) for key, value in target.state_dict().items())
    assert line == "; ".join([f"model: loaded 1,754 of 1,754 entries from {path}", *words])
    happened(f"1,754 of 1,754 entries; said: {'; '.join(words)}"[:150])


@pytest.mark.fault(
    name="the backbone of a checkpoint of another program",
    does="the same files, given as `pretrained`",
    expects="the backbone's 1,752 entries are loaded",
)
@pytest.mark.parametrize("kind", KINDS)
def test_backbones_of_other_programs(tmp_path, happened, kind):
    source, target, path = model(1), model(2), tmp_path / "x.pth"
    torch.save(KINDS[kind][0](dict(source.state_dict())), path)
    head = target.keypoint_head.final_layer.weight.clone()
    line = load_weights(target, path, strict=False, part="backbone")
    assert line.startswith(f"backbone: loaded 1,752 of 1,752 entries from {path}")
    theirs = source.backbone.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in target.backbone.state_dict().items())
    assert torch.equal(target.keypoint_head.final_layer.weight, head)
    happened("1,752 of 1,752 entries; the head is as it was")


@pytest.mark.fault(
    name="the keys of the published weights, renamed",
    does="the 1,754 keys of MMPose's own HRNet-W32, under all these names",
    expects="each leads back to its key",
)
def test_golden_keys(happened):
    from hrpose.models.foreign.translate import translated

    keys = [key for key, *_ in json.loads(gzip.decompress(GOLDEN.read_bytes()))["w32"]]
    state = {key: torch.ones(1) for key in keys}
    for kind, (make, _) in KINDS.items():
        content = make(dict(state))
        found = translated(content.get("state_dict", content), keys)
        assert list(found.entries) == keys, kind
    happened(f"{len(keys):,} keys, {len(KINDS)} ways")


ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array([1, 2], ">i2"), np.array([True, False]), np.zeros((0, 4), np.float32),
    np.array(["nose", "tail"]), np.array([1 + 2j]), np.array(3.5), np.array([b"ab"]),
]  # fmt: skip


@pytest.mark.fault(
    name="NumPy arrays in a checkpoint",
    does="arrays of all plain kinds in `meta`, under the names of NumPy 1 and of NumPy 2",
    expects="read as what they are",
)
@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_arrays(tmp_path, happened, module):
    path = tmp_path / "x.pth"
    content = {"arrays": ARRAYS, "pair": (np.ones(2), np.float32(2)), "dtype": np.dtype(">f4")}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    written = np.float64().__reduce__()[0].__module__.encode()
    path.write_bytes(path.read_bytes().replace(b"c" + written + b"\n", b"c" + module + b"\n"))
    read = checkpoint_file.read(path)
    for theirs, ours in zip(ARRAYS, read["arrays"], strict=True):
        assert type(ours) is np.ndarray and ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape and (ours == theirs).all()
    assert read["pair"][0].tolist() == [1, 1] and read["pair"][1] == 2
    assert read["dtype"] == np.dtype(">f4")
    happened(f"{len(ARRAYS)} kinds of array, a scalar and a dtype, as they were")


class Call:
    """Calls `function(*arguments)` where it is unpickled, and sets `state`."""

    def __init__(self, function, *arguments, state=None) -> None:
        self.made = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.made


_reconstruct = np.zeros(1).__reduce__()[0]
_scalar = np.float64().__reduce__()[0]
FORGED = (3, "|", None, ("a",), {"a": (Call(np.dtype, "O8"), 0)}, 8, 1, 0)
"""A dtype with a field of Python objects that claims to have none: bytes would be addresses."""
LONG = (3, "<", None, None, None, 1 << 20, 1, 0)
F8 = (3, "<", None, None, None, -1, -1, 0)


def array(dtype, data, kind=np.ndarray):
    return Call(_reconstruct, kind, (0,), b"b", state=(1, (1,), dtype, False, data))


HOSTILE = {
    "objects in an array": lambda run: np.array([run], object),
    "a dtype of objects": lambda run: array(Call(np.dtype, "O8", state=F8), b"\1" * 8),
    "a dtype with a forged field": lambda run: array(Call(np.dtype, "V8", state=FORGED), b"\1" * 8),
    "a number's dtype, forged": lambda run: array(Call(np.dtype, "f8", state=FORGED), b"\1" * 8),
    "a dtype that claims a length": lambda run: array(Call(np.dtype, "V1", state=LONG), b"\1"),
    "fewer bytes than numbers": lambda run: array(Call(np.dtype, "f8", state=F8), b"\1\1"),
    "a list instead of bytes": lambda run: array(Call(np.dtype, "f8", state=F8), [run]),
    "a scalar of objects": lambda run: Call(_scalar, Call(np.dtype, "O8", state=F8), run),
    "another kind of array": lambda run: array(Call(np.dtype, "f8", state=F8), b"", np.memmap),
    "a memory map": lambda run: Call(np.memmap, "/etc/passwd"),
    "a file that is read": lambda run: Call(np.load, "/etc/passwd"),
    "fromfile": lambda run: Call(np.fromfile, "/etc/passwd"),
    "a ufunc": lambda run: Call(np.frompyfunc, run, 1, 1),
    "getattr": lambda run: Call(getattr, "text", "upper"),
    "eval": lambda run: Call(eval, "1"),
    "an array's command": lambda run: array(run, b"\1" * 8),
    "a dtype's command": lambda run: Call(np.dtype, run),
}  # fmt: skip


@pytest.mark.fault(
    name="hostile NumPy objects in a checkpoint",
    does="arrays of objects, forged dtypes whose bytes would be taken for addresses, files, "
    "functions and commands, in the names that rebuild arrays",
    expects="CheckpointError names the file; nothing is executed, opened or rebuilt",
)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_numpy(tmp_path, happened, kind):
    trace, path = tmp_path / "executed", tmp_path / "evil.pth"
    hostile = HOSTILE[kind](Call(os.system, f"touch {trace}"))
    torch.save({"meta": hostile, "state_dict": {"x": torch.ones(1)}}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pth: (holds|not a readable)"):
        checkpoint_file.read(path)
    assert not trace.exists()
    happened("CheckpointError; the command was not run")


def _loops():
    loop: list = []
    loop.append(loop)
    return loop


@pytest.mark.fault(
    name="a checkpoint that holds itself",
    does="a list in itself, sealed and not; lists within lists two hundred deep",
    expects="read as data or refused as damaged, never a traceback",
)
@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("depth", [0, 200])
def test_loops(tmp_path, happened, sealed, depth):
    value: list = _loops() if not depth else []
    for _ in range(depth):
        value = [value]
    content = {"meta": value} | ({"content_sha256": "0"} if sealed else {})
    path = tmp_path / "x.pth"
    try:
        torch.save(content, path)
    except RecursionError:
        pytest.skip("cannot be written either")
    if not sealed:
        assert isinstance(checkpoint_file.read(path)["meta"], list) or depth
    else:
        with pytest.raises(CheckpointError, match=r"x\.pth"):
            checkpoint_file.read(path)
    happened("read, or refused by name")
