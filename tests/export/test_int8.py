"""hrpose export --int8: it holds on crops that it was not calibrated on, or there is no file."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from proofs import export_rates
from test_export import OneLayer, page_of, rows, run_alone

from hrpose import cli, config
from hrpose.datasets.synthetic import write_coco
from hrpose.engine.experiment import prepare
from hrpose.errors import DataError, RunError
from hrpose.export.compared import compare_int8
from hrpose.export.crops import crops_for_int8
from hrpose.export.onnx_file import ExportRequest, export
from hrpose.predict.crops import Cropper


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> dict:
    """`OneLayer` on pictures that are black but for one dot near the middle of each box."""
    folder = tmp_path_factory.mktemp("dots")
    page = page_of({"decoding": "dark"})
    data = prepare(page).dataset("train")
    write_coco(data, folder)
    rng = np.random.default_rng(0)
    for index, path in enumerate(sorted((folder / "images").iterdir())):
        x, y, w, h = data.record(index, 0)["box"]
        at = np.array([x + w / 2, y + h / 2]) + rng.uniform(-8, 8, 2)
        far = np.mgrid[:96, :96][::-1] - at[:, None, None]
        dot = 255 * np.exp(-(far**2).sum(0) / (2 * 6**2))
        cv2.imwrite(str(path), dot.astype(np.uint8))
    files = {"type": "CocoPoseDataset", "ann_file": "annotations.json", "img_root": "images"}
    page["data"] = {
        **page["data"],
        "root": str(folder),
        "train": files,
        "val": files,
        "test": files,
    }
    return page


def dot_finder(page: dict, path: Path, loudest: float = 1) -> Path:
    """Weights of a network whose heatmaps all show the dot.

    Args:
        loudest: how much larger a channel is that no heatmap looks at.
    """
    model = prepare(page).model
    assert isinstance(model.backbone, OneLayer)
    conv, norm = model.backbone.layers
    bell = torch.exp(-(torch.linspace(-2, 2, 9) ** 2))
    with torch.no_grad():
        conv.weight[:] = bell[:, None] * bell / bell.sum() ** 2 / 3
        norm.weight[1] = loudest
        model.keypoint_head.final_layer.weight.zero_()[:, 0] = 0.2
        model.keypoint_head.final_layer.bias.fill_(0.4)
    torch.save({"state_dict": model.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def made(page, tmp_path_factory):
    """Weights, M.onnx in int8, and what was said."""
    folder = tmp_path_factory.mktemp("made")
    weights = dot_finder(page, folder / "weights.pth")
    request = ExportRequest(page, "dots", str(weights), folder / "M.onnx", int8=True)
    return weights, folder / "M.onnx", export(request)


def test_it_holds_and_says_on_what(page, made):
    _, path, said = made
    assert "int8: 16 animals of data.val (calibrated on 16 of data.train): " in said[-1]
    assert "352 of 352 points with a score from 0.3 on move by" in said[-1]
    import onnx

    model = onnx.load(path)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts["precision"] == "int8" and texts["name"] == "dots"
    assert json.loads(texts["page"]) == json.loads(json.dumps(page))
    assert not [name for name in texts if name.startswith("onnx")]
    kinds = {entry.name: entry.data_type for entry in model.graph.initializer}
    assert kinds["model.backbone.layers.0.weight_quantized"] == onnx.TensorProto.INT8
    assert kinds["model.keypoint_head.final_layer.weight"] == onnx.TensorProto.FLOAT


def test_predict_runs_it_without_torch(page, made, tmp_path):
    weights, path, _ = made
    pictures = Path(page["data"]["root"]) / "images"
    done = run_alone(path, pictures, "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model: dots with 22 keypoints in int8 from" in done.stdout
    summary = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert summary["precision"] == "int8"
    from hrpose.api.load import load_trained
    from hrpose.predict.pipeline import Pipeline
    from hrpose.predict.pose import Pose

    trained = load_trained(page, weights, "cpu")
    pose = Pose(Pipeline(trained.cropper, trained.estimate))
    want = np.array([pose(path)[0][0] for path in sorted(pictures.iterdir())])
    found = rows(next(tmp_path.glob("*.csv"))).reshape(16, 22, 3)[..., :2]
    assert 0 < np.abs(found - want).max() < 1.5 and np.ptp(want, axis=0).min() > 8


def test_a_model_that_does_not_hold_is_refused_with_what_it_lost(
    page, tmp_path, monkeypatch, capsys
):
    """One loud channel leaves the others one step of 256."""
    weights = dot_finder(page, tmp_path / "weights.pth", loudest=1000)
    config.dump(page, tmp_path / "dots.py")
    words = ["export", tmp_path / "dots.py", weights, "--out", tmp_path / "M.onnx", "--int8"]
    words += ["--int8-limit", "0.75"]
    monkeypatch.setattr(sys, "argv", ["hrpose", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "px beyond --int8-limit 0.75 at 95%" in said
    assert not list(tmp_path.glob("*.onnx"))


def test_what_is_calibrated_on(page, tmp_path):
    experiment = prepare(page)
    cropper = Cropper(experiment.pipelines["test"], experiment.meta)
    pictures = Path(page["data"]["root"]) / "images"
    one = crops_for_int8(page, cropper, pictures)
    assert one.said == f"16 images of {pictures} (calibrated on 16 of data.train)"
    dataset = experiment.dataset("val")
    np.testing.assert_array_equal(one.calibration, [dataset[n]["image"] for n in range(16)])
    gone = {**page, "data": {**page["data"], "root": str(tmp_path)}}
    half = crops_for_int8(gone, cropper, pictures)
    assert half.said == f"8 images of {pictures} (calibrated on 8 of the others)"
    both = np.stack([half.calibration, half.check], axis=1).reshape(one.check.shape)
    np.testing.assert_array_equal(both, one.check)
    with pytest.raises(DataError, match=r"data\.train: .*instead with --check DIR"):
        crops_for_int8(gone, cropper, None)


def test_flat_heatmaps_are_not_taken_for_agreement(made):
    def flat(crops):
        return torch.zeros(len(crops), 22, 2), torch.full((len(crops), 22), 0.29)

    with pytest.raises(RunError, match=r"none of 66 points a score of 0\.3"):
        compare_int8(flat, made[1], np.zeros((3, 64, 64, 3), np.uint8), 0.5)


def test_the_limit_is_px(monkeypatch, capsys):
    for word in ("-1", "nan", "much"):
        monkeypatch.setattr(sys, "argv", ["hrpose", "export", "p", "c", "--int8-limit", word])
        with pytest.raises(SystemExit):
            cli.main()
        assert "expected px from 0, such as 0.5" in capsys.readouterr().err


def test_four_ways_are_compared(page, made, tmp_path, monkeypatch, capsys):
    config.dump(page, tmp_path / "dots.py")
    words = [tmp_path / "dots.py", made[0], "--turns", "2", "--count", "8"]
    monkeypatch.setattr(sys, "argv", ["export_rates.py", *map(str, words)])
    export_rates.main()
    said = capsys.readouterr().out
    for name in ("torch bf16", "ONNX fp32", "ONNX int8"):
        assert f"batch 1: {name}: " in said and f"batch 8: {name}: " in said
        assert f"{name} moves 704 of 704 points of 32 crops by " in said
    assert "torch fp32 1.000 (1.000, 1.000), by CPU time 1.000" in said
