"""Snapshots of DeepLabCut 3: what is read of them, what is refused, and the way back."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import model, same, save

from hrpose.codecs import DeepLabCutHeatmap
from hrpose.errors import CheckpointError
from hrpose.keypoints import KeypointMeta
from hrpose.models import HeatmapHead, HRNet, KeypointMSELoss, RefinementHead, TopDown
from hrpose.models.foreign.deeplabcut import from_ours
from hrpose.models.weights import load_weights

CONV = "heads.bodypart.heatmap_head.final_conv."
DECONV = "heads.bodypart.heatmap_head.deconv_layers.0."
LOCREF = "heads.bodypart.locref_head.final_conv."


def refined(seed: int, width: int = 4, keypoints: int = 3) -> TopDown:
    torch.manual_seed(seed)
    return TopDown(
        HRNet(width),
        RefinementHead(width, keypoints),
        DeepLabCutHeatmap((32, 32), (8, 8), refinement=True),
        KeypointMeta("toy", [f"k{i}" for i in range(keypoints)]),
        KeypointMSELoss(),
        flip_test=False,
    )


def snapshot(state: dict, path: Path, place: str = "model") -> Path:
    """As DeepLabCut writes it; older ones hold NumPy's numbers among the metrics."""
    metadata = {"epoch": 1, "metrics": {"test.rmse": np.float64(3.5)}, "losses": {}}
    return save({place: state, "metadata": metadata}, path)


@pytest.mark.parametrize(
    ("case", "width", "count"),
    [("superanimal_quadruped", 32, 39), ("plain_w32", 32, 4), ("plain_w48", 48, None)],
)
def test_the_keys_are_deeplabcut_s(golden, case, width, count):
    keys = json.loads((golden / "deeplabcut/models.json").read_text())["keys"][case]
    with torch.device("meta"):
        if count == 39:
            source = TopDown(
                HRNet(width), HeatmapHead(width, count), DeepLabCutHeatmap((32, 32), (8, 8)),
                KeypointMeta("x", [f"k{i}" for i in range(count)]), KeypointMSELoss(), False,
            )  # fmt: skip
        else:
            source = refined(0, width, count or 4)
        state = from_ours(source.state_dict())
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in state.items())
    assert len(lines) == keys["entries"]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == keys["sha256_of_sorted_key_shape"]


@pytest.mark.parametrize("place", ["model", "pose"])  # pose: as export_model writes it
def test_the_head_of_superanimal(tmp_path, place):
    source, target = model(seed=1), model(seed=2)
    state = from_ours(source.state_dict())
    weight = state[f"{DECONV}weight"]
    assert weight.shape == (4, 3, 1, 1)  # a transposed convolution: in, out
    features = torch.rand(1, 4, 2, 2)
    expected = torch.nn.functional.conv_transpose2d(features, weight, state[f"{DECONV}bias"])
    torch.testing.assert_close(source.keypoint_head(features), expected)
    path = snapshot(state, tmp_path / "superanimal.pt", place)
    line = load_weights(target, path, strict=True)
    assert same(target.state_dict(), source.state_dict())
    assert line.startswith(
        f"model: loaded 1,754 of 1,754 entries from {path}; backbone.model. is backbone. "
        f"(DeepLabCut, 1,752 entries); {DECONV} is keypoint_head.final_layer. (DeepLabCut, 2 "
        "entries); ignored backbone.model.stage4.2.fuse_layers.1."
    )
    assert line.endswith(" (78 entries): coarse outputs of stage 4")


def test_a_head_with_location_refinement(tmp_path):
    source, target, plain = refined(1), refined(2), model(seed=2)
    path = snapshot(from_ours(source.state_dict()), tmp_path / "snapshot-200.pt")
    line = load_weights(target, path, strict=True)
    assert same(target.state_dict(), source.state_dict())
    assert f"{LOCREF} is keypoint_head.refinement_layer. (DeepLabCut, 2 entries)" in line
    line = load_weights(plain, path, strict=True)  # a page that does without
    assert torch.equal(plain.keypoint_head.final_layer.bias, source.keypoint_head.final_layer.bias)
    assert (
        "location refinement; model.head.type RefinementHead and codec.refinement True take it"
        in line
    )
    superanimal = snapshot(from_ours(model(seed=1).state_dict()), tmp_path / "superanimal.pt")
    with pytest.raises(CheckpointError, match=r"refinement_layer.*: not in the checkpoint"):
        load_weights(refined(2), superanimal, strict=True)


def test_heatmaps_and_offsets_stand_side_by_side():
    head = refined(0).keypoint_head
    features = torch.rand(2, 4, 8, 8)
    maps = head(features)
    assert maps.shape == (2, 9, 8, 8)
    assert torch.equal(maps[:, :3], head.final_layer(features))
    assert torch.equal(maps[:, 3:], head.refinement_layer(features))


def test_codec_and_head_agree_on_refinement_and_it_has_no_mirror():
    parts = (HRNet(4), RefinementHead(4, 1))
    rest = (KeypointMeta("toy", ["nose"]), KeypointMSELoss())
    with pytest.raises(ValueError, match=r"head\.type RefinementHead: must be HeatmapHead where"):
        TopDown(*parts, DeepLabCutHeatmap((32, 32), (8, 8)), *rest, flip_test=False)
    codec = DeepLabCutHeatmap((32, 32), (8, 8), refinement=True)
    with pytest.raises(ValueError, match=r"flip_test True: offsets of a mirror image"):
        TopDown(*parts, codec, *rest, flip_test=True)


def test_as_a_pretrained_backbone(tmp_path):
    source, target = model(seed=1, keypoints=5), model(seed=2)
    path = snapshot(from_ours(source.state_dict()), tmp_path / "x.pt")
    line = load_weights(target, path, strict=False, part="backbone")
    assert same(target.backbone.state_dict(), source.backbone.state_dict())
    assert f"ignored {DECONV[:-1]} (2 entries): not of the backbone" in line


def test_another_number_of_keypoints_is_told(tmp_path):
    path = snapshot(from_ours(model(keypoints=5).state_dict()), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="checkpoint 5 keypoints, model 3"):
        load_weights(model(), path, strict=True)


def other_head(state):
    state[f"{DECONV}weight"] = torch.zeros(4, 3, 4, 4)


def second_layer(state):
    state[DECONV.replace(".0.", ".1.") + "weight"] = torch.zeros(3, 3, 1, 1)


def other_network(state):
    for key in [key for key in state if "stage2" in key]:
        del state[key]


def more_layers(state):
    state["backbone.model.incre_modules.0.0.conv1.weight"] = torch.zeros(1)


def part_affinity(state):
    state["heads.bodypart.paf_head.final_conv.weight"] = torch.zeros(2, 4, 1, 1)


def detector(state):
    state.clear()
    for name in ("backbone.body.conv1", "rpn.head.cls_logits", "roi_heads.box_head.fc6"):
        state[f"model.{name}.weight"] = torch.zeros(1)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_head, r"its head is not one 1x1 convolution .*deconv_layers\.0"),
        (second_layer, r"its head is not one 1x1 convolution .*deconv_layers\.1"),
        (part_affinity, r"its head is not one 1x1 convolution .*paf_head"),
        (other_network, "of DeepLabCut with another network than HRNet"),
        (more_layers, r"with more layers \(increased_channel_count\)"),
        (detector, "a detector of DeepLabCut; its pose model is another file"),
    ],
)
def test_other_snapshots_are_refused_by_name(tmp_path, change, words, strict):
    state = from_ours(model().state_dict())
    change(state)
    path = snapshot(state, tmp_path / "other.pt")
    target = model(seed=2)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    with pytest.raises(CheckpointError, match=rf"other\.pt: does not fit the model\n  - .*{words}"):
        load_weights(target, path, strict=strict)
    assert same(target.state_dict(), before)


def test_weights_come_by_an_address(shelf, tmp_path):
    address, handler = shelf
    source, target = model(seed=1), model(seed=2)
    path = snapshot(from_ours(source.state_dict()), tmp_path / "superanimal_hrnet_w32.pt")
    handler.files[path.name] = path.read_bytes()
    url = f"{address}/mwmathis/SuperAnimal/resolve/main/{path.name}"
    line = load_weights(target, url, strict=True)
    assert same(target.state_dict(), source.state_dict())
    assert line.startswith(f"model: loaded 1,754 of 1,754 entries from {url} (kept at ")
