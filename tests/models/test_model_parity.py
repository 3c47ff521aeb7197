"""Against MMPose: state-dict entries, heatmaps, and decoded keypoints (tests/golden/model)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import DATASETS, filled_model, model, read_json_gz

CENTERS = np.array([(150, 120), (333.25, 410.5)])
HEATMAP_ATOL = 2e-3  # the heatmaps' std is 50 to 80; threads and kernels alone differ by 2e-4
MODELS = [(width, dataset) for width in (32, 48) for dataset in DATASETS]


@pytest.mark.parametrize(("width", "dataset"), MODELS)
def test_state_dict_has_the_published_entries_in_their_order(golden: Path, width, dataset):
    listed = read_json_gz(golden / "model" / "state_dict_keys.json.gz")
    entries = {key: (shape, dtype) for key, shape, dtype in listed[f"w{width}"]}
    for key, shape, dtype in listed.get(f"w{width}_{dataset}_differs", []):
        entries[key] = (shape, dtype)
    with torch.device("meta"):
        state = model(dataset, width).state_dict()
    ours = [(k, list(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in state.items()]
    assert len(ours) == 1754
    assert ours == [(key, shape, dtype) for key, (shape, dtype) in entries.items()]


@pytest.mark.parametrize(
    ("width", "dataset", "count"),
    [
        (32, "horse10", 28_536_278),
        (32, "macaque", 28_536_113),
        (32, "atrw", 28_536_047),
        (48, "horse10", 63_595_990),
        (48, "macaque", 63_595_745),
        (48, "atrw", 63_595_647),
    ],
)
def test_number_of_parameters(width, dataset, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in model(dataset, width).parameters()) == count


def image_px(keypoints: torch.Tensor, dataset: str) -> np.ndarray:
    """Keypoints in input px of the two reference crops -> image px."""
    w, h = DATASETS[dataset][2]
    sizes = np.array([(h * 240 / 256, h * 240 / 256), (h * 600 / 256, h * 600 / 256)])
    sizes[:, 0] *= w / h
    return keypoints.numpy() * (sizes / (w, h))[:, None] + (CENTERS - sizes / 2)[:, None]


@pytest.mark.parametrize(("width", "dataset"), MODELS)
def test_heatmaps_and_keypoints(golden: Path, width, dataset):
    name = f"w{width}_{dataset}"
    stored = np.load(golden / "model" / "forward_outputs.npz")
    stats = read_json_gz(golden / "model" / "forward_stats.json.gz")[name]
    w, h = DATASETS[dataset][2]
    random = np.random.RandomState(20210401)
    images = torch.from_numpy(random.standard_normal((2, 3, h, w)).astype("float32"))
    topdown = filled_model(dataset, width)
    with torch.inference_mode():
        plain, mirrored = topdown(images), topdown(images.flip(-1))
    passes = iter([plain, mirrored] * 2)
    topdown.forward = lambda _: next(passes).clone()  # so that the network runs twice, not 5 times
    for mode in ("plain", "flip", "flip_noshift"):
        topdown.flip_test = mode != "plain"
        topdown.shift_heatmap = mode == "flip"
        heatmaps = topdown.predict_heatmaps(images) if topdown.flip_test else plain
        check_heatmaps(heatmaps.numpy(), stats[mode])
        if f"{name}_{mode}" in stored:
            kept = stored[f"{name}_{mode}"]
            step = heatmaps.shape[-1] // kept.shape[-1]
            assert np.abs(heatmaps[..., ::step, ::step].numpy() - kept).max() < HEATMAP_ATOL
        keypoints, scores = topdown.codec.decode(heatmaps)
        preds = np.asarray(stats[mode]["preds"])  # (2, K, 3): x, y in image px, score
        np.testing.assert_allclose(image_px(keypoints, dataset), preds[..., :2], atol=1e-3)
        np.testing.assert_allclose(scores, preds[..., 2], atol=HEATMAP_ATOL)


def check_heatmaps(heatmaps: np.ndarray, stats: dict) -> None:
    assert list(heatmaps.shape) == stats["shape"]
    assert heatmaps.reshape(*heatmaps.shape[:2], -1).argmax(-1).tolist() == stats["argmax"]
    wide = heatmaps.astype(np.float64)
    assert wide.mean() == pytest.approx(stats["mean"], abs=HEATMAP_ATOL)
    assert wide.std() == pytest.approx(stats["std"], abs=HEATMAP_ATOL)
    assert np.abs(wide).mean() == pytest.approx(stats["abssum"] / wide.size, abs=HEATMAP_ATOL)
