"""hrpose export and hrpose predict M.onnx: torch's numbers without torch."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from hrpose import cli, config
from hrpose.animals import make_scene, render
from hrpose.codecs import MSRAHeatmap
from hrpose.config.registry import register
from hrpose.engine.experiment import prepare
from hrpose.errors import CheckpointError, DataError, RunError
from hrpose.export import compared, onnx_file
from hrpose.export.crops import crops_for
from hrpose.export.exported import read_exported
from hrpose.export.onnx_file import ExportRequest, export
from hrpose.geometry import apply_affine, invert_affine
from hrpose.models.backbone import Backbone

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason="extra export")

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"
CODECS = {
    "quarter": {"codec": {"decoding": "default"}},
    "whole cell": {"codec": {"decoding": "none"}},
    "dark": {"codec": {"decoding": "dark"}},
    "udp": {
        "codec": {"type": "UDPHeatmap"},
        "model": {"shift_heatmap": False},
        "warp": {"udp": True},
    },
}


@register
class OneLayer(Backbone):
    """The smallest network with batch norm that gives a cell for 4 px."""

    out_channels, stride = 4, 4

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 9, 4, 4, bias=False), nn.BatchNorm2d(4))

    def forward(self, images):
        return self.layers(images)


@register
class CountingCodec(MSRAHeatmap):
    """Goes on by a number that is known only when it runs."""

    def decode(self, heatmaps):
        for _ in range(int(heatmaps.sum())):
            heatmaps = heatmaps * 2
        return super().decode(heatmaps)


def page_of(codec: dict, model: dict | None = None, warp: dict | None = None) -> dict:
    page = config.load(TINY)
    page["model"] = {**page["model"], "backbone": {"type": "OneLayer"}, **(model or {})}
    page["model"]["head"] = {**page["model"]["head"], "in_channels": 4}
    page["model"]["codec"] = page["codec"] = {**page["codec"], **codec}
    for name in ("train_pipeline", "test_pipeline"):
        page[name][-1] = {**page[name][-1], **(warp or {})}
    return page


def weights_of(page: dict, path: Path, statistics: int = 20) -> Path:
    """Random weights with peaks of about 1, and statistics of so many batches of noise."""
    model = prepare(page).model
    crops = torch.randint(0, 255, (8, 3, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        for _ in range(statistics):
            model.train()(crops)
        layer = model.eval().keypoint_head.final_layer
        layer.weight /= model(crops).std() * 2
    torch.save({"state_dict": model.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page, weights and M.onnx, with quarter-cell decoding."""
    folder = tmp_path_factory.mktemp("made")
    page = page_of(CODECS["quarter"]["codec"])
    weights = weights_of(page, folder / "weights.pth")
    said = export(ExportRequest(page, "toy", str(weights), folder / "M.onnx"))
    return page, weights, folder / "M.onnx", said


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        scene = make_scene((120, 90), np.random.default_rng(number))
        image = render(scene, np.random.default_rng(number))
        cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
    return folder


@pytest.mark.parametrize("kind", CODECS)
def test_every_codec_gives_what_torch_gives(kind, tmp_path):
    page = page_of(**CODECS[kind])
    weights = weights_of(page, tmp_path / "weights.pth")
    out = tmp_path / "M.onnx"
    said = export(ExportRequest(page, "toy", str(weights), out))
    assert "on 30 drawn animals, in batches of 1, 5, 24: points differ by up to" in said[-1]
    experiment = prepare(page)
    model = experiment.model.eval()  # neither folded nor exported
    model.load_state_dict(torch.load(weights)["state_dict"])
    crops = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    keypoints, scores = read_exported(out).estimate(crops.numpy())()
    want, want_scores = model.predict(crops)
    np.testing.assert_allclose(keypoints, want, atol=0.01)
    np.testing.assert_allclose(scores, want_scores, atol=1e-4)
    assert scores.shape == (3, len(experiment.meta)) and np.ptp(keypoints) > 8


def test_the_file_says_all_that_it_takes_to_run_it(made):
    page, _, path, _ = made
    import onnx

    model = onnx.load(path)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts["name"] == "toy" and texts["input_size"] == "[64, 64]"
    assert (texts["padding"], texts["udp"], texts["flip_test"]) == ("1.25", "False", "True")
    assert json.loads(texts["page"]) == json.loads(json.dumps(page))
    keypoints = json.loads(texts["keypoints"])
    assert keypoints["names"] == list(page["keypoints"]["names"])
    assert {"flip_pairs", "skeleton", "sigmas"} < set(keypoints)
    assert {entry.version for entry in model.opset_import if not entry.domain} == {20}
    assert not any(node.op_type == "BatchNormalization" for node in model.graph.node)
    assert str(Path(onnx_file.__file__).parents[2]).encode() not in path.read_bytes()


def run_alone(*words: object) -> subprocess.CompletedProcess:
    """`hrpose predict` in a process of its own, whose status is 9 if torch was imported."""
    code = (
        "import sys\nfrom hrpose.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    status = end.code\n"
        "sys.exit(9 if 'torch' in sys.modules else status)"
    )
    line = [sys.executable, "-c", code, "predict", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


def rows(path: Path) -> np.ndarray:
    with path.open(newline="") as file:
        return np.array([row[1:] for row in list(csv.reader(file))[3:]], float)


def test_predict_needs_neither_page_nor_torch(made, pictures, tmp_path, monkeypatch):
    page, weights, model, _ = made
    done = run_alone(model, pictures, "--out", tmp_path / "a")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(next((tmp_path / "a").glob("*.json")).read_text())
    assert summary["scorer"].startswith("hrpose_toy_") and "torch" not in summary["versions"]
    from hrpose.api.load import load_trained
    from hrpose.predict.pipeline import Pipeline
    from hrpose.predict.pose import Pose

    trained = load_trained(page, weights, "cpu")
    pose = Pose(Pipeline(trained.cropper, trained.estimate))
    want = [
        np.column_stack([keypoints[0], scores[0]]).ravel()
        for keypoints, scores in (pose(pictures / f"{number}.png") for number in range(3))
    ]
    np.testing.assert_allclose(rows(next((tmp_path / "a").glob("*.csv"))), want, atol=0.01)


def test_the_example_in_the_docs_runs_without_hrpose(made, pictures, tmp_path):
    docs = Path(__file__).resolve().parents[2] / "docs" / "export.md"
    code = docs.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    code += "\nassert not {'torch', 'hrpose'} & set(sys.modules)\n"
    box = [10.0, 20.0, 70.0, 50.0]
    line = [sys.executable, "-c", code, made[2], pictures / "1.png", *box]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run(
        [str(word) for word in line], capture_output=True, text=True, env=environment, check=True
    ).stdout
    found = np.array([row.split()[1:] for row in out.splitlines()], float)
    exported = read_exported(made[2])
    image = cv2.cvtColor(cv2.imread(str(pictures / "1.png")), cv2.COLOR_BGR2RGB)
    crop, matrix = exported.cropper(image, np.array(box))
    keypoints, scores = exported.estimate(crop[None].transpose(0, 3, 1, 2))()
    np.testing.assert_allclose(
        found[:, :2], apply_affine(keypoints[0], invert_affine(matrix)), atol=0.01
    )
    np.testing.assert_allclose(found[:, 2], scores[0], atol=0.001)


def test_what_was_decided_at_the_export_cannot_be_asked_for(made, pictures, tmp_path):
    for option in (["--no-flip"], ["--amp"], ["--device", "cuda"]):
        done = run_alone(made[2], pictures, "--out", tmp_path, *option)
        assert done.returncode == 2 and f"RunError: {option[0]}: " in done.stderr


def test_options_may_stand_before_the_inputs_and_inputs_may_not_be_missing(
    monkeypatch, capsys, tmp_path
):
    missing = str(tmp_path / "none.png")
    for words, says in (
        ([TINY, "x.pth", "--out", tmp_path, missing], "none.png"),
        ([TINY, "x.pth", "--out", tmp_path], "INPUT is missing"),
    ):
        monkeypatch.setattr(sys, "argv", ["hrpose", "predict", *map(str, words)])
        with pytest.raises(SystemExit):
            cli.main()
        assert says in capsys.readouterr().err


def test_a_codec_that_cannot_be_exported_is_named(tmp_path):
    page = page_of({"type": "CountingCodec"})
    weights = weights_of(page, tmp_path / "weights.pth")
    with pytest.raises(RunError, match=r"the codec CountingCodec \(its `decode`\) cannot be exp"):
        export(ExportRequest(page, "toy", str(weights), tmp_path / "M.onnx"))
    assert list(tmp_path.iterdir()) == [weights]


def test_a_file_that_differs_from_torch_is_not_left_there(made, tmp_path, monkeypatch):
    page, weights, _, _ = made
    out = tmp_path / "M.onnx"
    out.write_bytes(b"the one before")
    monkeypatch.setattr(onnx_file, "fold_batch_norm", lambda model: model.eval())
    real = compared.read_exported

    def shifted(path):
        exported = real(path)
        run = exported.estimate.session.run
        exported.estimate.session = type(
            "Session", (), {"run": lambda self, *a: [run(*a)[0] + 0.02, run(*a)[1]]}
        )()
        return exported

    monkeypatch.setattr(compared, "read_exported", shifted)
    with pytest.raises(RunError, match=r"differs from torch: .* 0\.02 px"):
        export(ExportRequest(page, "toy", str(weights), out))
    assert [path.name for path in tmp_path.iterdir()] == ["M.onnx"]
    assert out.read_bytes() == b"the one before"


def test_it_is_compared_on_images_of_ones_own(made, pictures, tmp_path):
    cropper = read_exported(made[2]).cropper
    crops, source = crops_for(cropper, pictures)
    assert source == f"3 images of {pictures}" and crops.shape == (30, 64, 64, 3)
    image = cv2.cvtColor(cv2.imread(str(pictures / "1.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(crops[4], cropper(image, np.array([0, 0, 120, 90]))[0])
    page, weights = made[:2]
    for folder, says in ((tmp_path, "holds no images"), (tmp_path / "none", "is no folder")):
        with pytest.raises(DataError, match=says):
            export(ExportRequest(page, "toy", str(weights), tmp_path / "M.onnx", images=folder))


def test_other_files_are_refused(made, tmp_path):
    import onnx

    path = tmp_path / "x.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(CheckpointError, match="not a model that ONNX Runtime can run"):
        read_exported(path)
    model = onnx.load(made[2])
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(CheckpointError, match="does not say what its keypoints are"):
        read_exported(path)


@pytest.mark.slow
def test_a_whole_hrnet_by_the_command_line(tmp_path, monkeypatch, capsys):
    # with statistics of noise its heatmaps of animals are flat, and which cell is highest is chance
    weights = weights_of(config.load(TINY), tmp_path / "weights.pth", statistics=0)
    words = ["hrpose", "export", TINY, weights, "--out", tmp_path / "M.onnx", "--no-flip"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    cli.main()
    assert f"wrote {tmp_path / 'M.onnx'}" in capsys.readouterr().out
    assert read_exported(tmp_path / "M.onnx").made_from["flip_test"] == "False"
