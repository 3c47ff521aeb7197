"""Which weights fit a model, what is refused, and what is said about it."""

import hashlib
from pathlib import Path

import pytest
import torch
from tiny import model, same, save
from torch import Tensor

from hrpose.errors import CheckpointError
from hrpose.models import HRNet
from hrpose.models.weights import load_weights


def test_other_keypoints_are_refused_when_strict_and_re_initialised_when_not(tmp_path: Path):
    path = save(model(keypoints=17, seed=1).state_dict(), tmp_path / "x.pth")
    target = model(keypoints=22)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_weights(target, path, strict=True)
    assert str(caught.value) == (
        f"{path}: does not fit the model\n"
        "  - keypoint_head.final_layer: checkpoint 17 keypoints, model 22"
    )
    assert same(target.state_dict(), before)
    assert load_weights(target, path, strict=False) == (
        f"model: loaded 1,752 of 1,754 entries from {path}; "
        "re-initialised keypoint_head.final_layer: checkpoint 17 keypoints, model 22"
    )
    after = target.state_dict()
    for name in ("weight", "bias"):
        key = f"keypoint_head.final_layer.{name}"
        assert torch.equal(after[key], before[key])
    assert same(target.backbone.state_dict(), model(seed=1).backbone.state_dict())


@pytest.mark.parametrize("strict", [True, False])
def test_another_width_is_refused_in_one_line(tmp_path: Path, strict: bool):
    path = save(model(width=6).state_dict(), tmp_path / "x.pth")
    target = model(width=4)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_weights(target, path, strict)
    head, line = str(caught.value).splitlines()
    assert head == f"{path}: does not fit the model"
    assert line.endswith("entries): checkpoint HRNet-W6, model HRNet-W4")
    assert len(line) < 250
    assert same(target.state_dict(), before)


def test_other_width_and_other_keypoints_are_both_named(tmp_path: Path):
    path = save(model(width=6, keypoints=17).state_dict(), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"17 keypoints, model 3\n.*HRNet-W6, model HRNet-W4"):
        load_weights(model(width=4), path, strict=False)


def test_missing_and_unknown_entries(tmp_path: Path):
    state = model(seed=1).state_dict()
    del state["keypoint_head.final_layer.bias"]
    state |= {f"neck.{i}.weight": torch.ones(1) for i in range(5)}
    path = save(state, tmp_path / "x.pth")
    with pytest.raises(CheckpointError) as caught:
        load_weights(model(), path, strict=True)
    assert str(caught.value).splitlines()[1:] == [
        "  - keypoint_head.final_layer (1 entry): not in the checkpoint",
        "  - neck.0, neck.1, neck.2 and 2 more (5 entries): not in the model",
    ]
    assert load_weights(model(), path, strict=False) == (
        f"model: loaded 1,753 of 1,754 entries from {path}; "
        "re-initialised keypoint_head.final_layer (1 entry): not in the checkpoint; "
        "ignored neck.0, neck.1, neck.2 and 2 more (5 entries): not in the model"
    )


def test_other_shapes_show_an_example(tmp_path: Path):
    state = model().state_dict()
    state["backbone.conv1.weight"] = torch.ones(64, 4, 3, 3)
    path = save(state, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"\(64, 4, 3, 3\) in the .*, \(64, 3, 3, 3\) in the"):
        load_weights(model(), path, strict=False)


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_in_common_is_refused(tmp_path: Path, strict: bool):
    path = save(model().backbone.state_dict(), tmp_path / "imagenet.pth")
    with pytest.raises(CheckpointError, match=r"nothing in it fits; the model has backbone\.conv1"):
        load_weights(model(), path, strict)


@pytest.mark.parametrize("strict", [False, True])
def test_numbers_in_place_of_weights_are_refused(tmp_path: Path, strict: bool):
    torch.save({key: torch.zeros(()) for key in model().state_dict()}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_weights(model(), tmp_path / "x.pth", strict=strict)


def test_weights_from_before_batch_counters(tmp_path: Path):
    state = model(seed=1).state_dict()
    state = {key: value for key, value in state.items() if "num_batches" not in key}
    path = save(state, tmp_path / "x.pth")
    line = load_weights(model(), path, strict=True)
    assert line == f"model: loaded {len(state):,} of {len(state):,} entries from {path}"


def test_half_precision_weights_become_the_models(tmp_path: Path):
    state = {k: v.half() if v.is_floating_point() else v for k, v in model().state_dict().items()}
    target = model(seed=2)
    load_weights(target, save(state, tmp_path / "x.pth"), strict=True)
    assert target.backbone.conv1.weight.dtype == torch.float32
    assert torch.equal(target.backbone.conv1.weight, state["backbone.conv1.weight"].float())


def imagenet(backbone: HRNet) -> dict[str, Tensor]:
    """What a published ImageNet file holds: the backbone and all that classification adds."""
    return backbone.state_dict() | {
        "stage4.2.fuse_layers.1.0.0.0.weight": torch.ones(1),
        "stage4.2.fuse_layers.3.2.0.1.bias": torch.ones(1),
        "incre_modules.0.0.conv1.weight": torch.ones(1),
        "downsamp_modules.0.0.bias": torch.ones(1),
        "final_layer.0.weight": torch.ones(1),
        "classifier.weight": torch.ones(1),
        "classifier.bias": torch.ones(1),
    }


@pytest.mark.parametrize("strict", [True, False])
def test_imagenet_weights_load_into_the_backbone(tmp_path: Path, strict: bool):
    source = model(seed=1).backbone
    path = save(imagenet(source), tmp_path / "hrnet.pth")
    target = model(seed=2)
    head = target.keypoint_head.final_layer.weight.clone()
    line = load_weights(target, path, strict, part="backbone")
    assert same(target.backbone.state_dict(), source.state_dict())
    assert torch.equal(target.keypoint_head.final_layer.weight, head)
    assert line == (
        f"backbone: loaded 1,752 of 1,752 entries from {path}; "
        "ignored incre_modules.0.0.conv1, downsamp_modules.0.0, final_layer.0 and 1 more "
        "(5 entries): classification head; "
        "ignored stage4.2.fuse_layers.1.0.0.0, stage4.2.fuse_layers.3.2.0.1 "
        "(2 entries): coarse outputs of stage 4"
    )


def test_the_backbone_of_a_pose_model_loads_alone(tmp_path: Path):
    source = model(keypoints=17, seed=1)
    path = save({"state_dict": source.state_dict()}, tmp_path / "pose.pth")
    target = model(keypoints=22)
    line = load_weights(target, path, strict=True, part="backbone")
    assert same(target.backbone.state_dict(), source.backbone.state_dict())
    assert line.endswith("ignored keypoint_head.final_layer (2 entries): not of the backbone")


def test_a_backbone_of_another_width_is_refused(tmp_path: Path):
    path = save(imagenet(HRNet(6)), tmp_path / "hrnet.pth")
    with pytest.raises(CheckpointError, match=r"fit the backbone\n.*HRNet-W6, model HRNet-W4"):
        load_weights(model(), path, strict=False, part="backbone")


def test_weights_from_an_address(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    state = model(seed=1).state_dict()
    data = save(state, tmp_path / "x.pth").read_bytes()
    name = f"net-{hashlib.sha256(data).hexdigest()[:8]}_20210405.pth"
    handler.files[name] = data
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    target = model(seed=2)
    line = load_weights(target, f"{address}/{name}?token=geheim", strict=True)
    assert same(target.state_dict(), state)
    kept = tmp_path / "cache" / name
    assert line.endswith(f"entries from {address}/{name}?token=*** (kept at {kept})")
