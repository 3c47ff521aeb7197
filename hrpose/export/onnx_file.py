"""A trained model as one ONNX file, crops in and keypoints out, compared with torch at once.

Legend: B crops of a batch, K keypoints, h/w the crop in px.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import hrpose
from hrpose.datasets.transforms import CropBox
from hrpose.environment import require
from hrpose.errors import RunError
from hrpose.export.compared import compare, compare_int8
from hrpose.export.crops import crops_for, crops_for_int8
from hrpose.export.exported import INPUT, OUTPUTS, texts_of
from hrpose.export.int8 import quantise
from hrpose.export.original import Original, read_original
from hrpose.models.folding import fold_batch_norm
from hrpose.predict.crops import Cropper
from hrpose.rundir import provenance
from hrpose.storage.addresses import without_secrets
from hrpose.storage.whole_file import draft_for_library

if TYPE_CHECKING:
    from hrpose.datasets.transforms import Transform
    from hrpose.models import TopDown

OPSET = 20


@dataclass(frozen=True)
class ExportRequest:
    """What is to be exported.

    Args:
        name: of the page.
        flip_test: whether the mean with the mirror image is taken; as the page says if None.
        images: folder whose images the file is checked on; drawn animals if None.
        int8: whether convolutions are in int8, and `int8_limit` how far these may move 95% of the
            points, in input px.
    """

    page: dict[str, Any]
    name: str
    checkpoint: str
    out: Path
    flip_test: bool | None = None
    images: Path | None = None
    int8: bool = False
    int8_limit: float = 0.5


class _FromCrops(nn.Module):
    """Crops as images lie in memory, (B, h, w, 3) uint8 RGB -> keypoints and scores."""

    def __init__(self, model: TopDown) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.predict(crops.permute(0, 3, 1, 2))


def export(request: ExportRequest) -> list[str]:
    """Write the ONNX file of a model; returns what was loaded and compared, a line each.

    It takes crops (B, h, w, 3) uint8 RGB with any B, and gives keypoints (B, K, 2) in input px and
    scores (B, K), flip test and decoding done; batch norm is part of the convolutions. Page,
    keypoints and digests stand in it as texts.

    Raises:
        HrposeError: page, checkpoint or images cannot be used; the codec or the network cannot be
            exported; ONNX Runtime's keypoints are not torch's; or int8 moves them too far. There
            is no file then.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        require(module, "export", "hrpose export")
    original = read_original(request.page, request.checkpoint)
    pipeline = original.experiment.pipelines["test"]
    _refuse_foreign(pipeline)
    cropper = Cropper(pipeline, original.experiment.meta)
    crops, source = crops_for(cropper, request.images)
    own = crops_for_int8(request.page, cropper, request.images) if request.int8 else None
    model = fold_batch_norm(original.model)
    if request.flip_test is not None:
        model.flip_test = request.flip_test
    whole = _FromCrops(model).eval()
    width, height = model.codec.input_size
    program = _program(whole, (height, width))
    program.model.metadata_props.update(_texts(request, original, model))
    _without_traces(program.model)
    try:
        with draft_for_library(request.out) as draft:
            program.save(draft, external_data=False)
            said = [f"compared with torch on {source}, {compare(whole, draft, crops)}"]
            if own:
                quantise(draft, own.calibration)
                told = compare_int8(whole, draft, own.check, request.int8_limit)
                said.append(f"int8: {own.said}: {told}")
    except OSError as error:
        raise RunError(f"{request.out}: cannot be written ({error.strerror or error})") from error
    return [*original.said, *said]


def _program(whole: _FromCrops, size: tuple[int, int]) -> Any:
    """The model as an ONNX program; `size` is h, w.

    Raises:
        RunError: it cannot be one; says whether the codec or the network is the reason.
    """
    crops = torch.zeros((2, *size, 3), dtype=torch.uint8)
    try:
        return _translated(whole, crops, [INPUT], list(OUTPUTS))
    except Exception as error:  # a model can fail to be traced in almost any way
        codec = whole.model.codec
        maps = torch.rand(2, len(whole.model.keypoints), *codec.heatmap_size[::-1])
        try:
            _translated(_Decoding(whole.model), maps, ["heatmaps"], list(OUTPUTS))
        except Exception:
            part = f"the codec {type(codec).__name__} (its `decode`)"
        else:
            part = f"the network {type(whole.model.backbone).__name__} or its head"
        first = str(error).strip().partition("\n")[0]
        raise RunError(f"{part} cannot be exported to ONNX: {first}") from error


class _Decoding(nn.Module):
    """The codec alone: heatmaps (B, K, H, W) -> keypoints and scores."""

    def __init__(self, model: TopDown) -> None:
        super().__init__()
        self.codec = model.codec

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        return self.codec.decode(heatmaps)


def _translated(module: nn.Module, example: Tensor, inputs: list[str], outputs: list[str]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about itself
        return torch.onnx.export(
            module.eval(), (example,), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=inputs, output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip


def _texts(request: ExportRequest, original: Original, model: TopDown) -> dict[str, str]:
    page = without_secrets(request.page)
    pipeline = original.experiment.pipelines["test"]
    padding = next((part.padding for part in pipeline if isinstance(part, CropBox)), None)
    more = {
        "hrpose": hrpose.__version__,
        "page_sha256": provenance.page_digest(request.page),
        "checkpoint_sha256": original.sha256,
        "flip_test": str(model.flip_test),
        "precision": "fp32",
        "input_size": json.dumps(model.codec.input_size),
        "udp": str(model.codec.udp),
        "padding": json.dumps(padding),
        "licence": str(original.meta.get("licence", "")),
    }
    return texts_of(request.name, page, model.keypoints, more)


def _refuse_foreign(pipeline: Sequence[Transform]) -> None:
    """RunError for transforms that `hrpose predict M.onnx` would not know."""
    foreign = [type(part) for part in pipeline if not type(part).__module__.startswith("hrpose.")]
    if foreign:
        raise RunError(
            f"test_pipeline: {foreign[0].__name__} is of {foreign[0].__module__}, and an exported "
            "model is run without custom_imports; cut its crops with transforms of hrpose"
        )


def _without_traces(model: Any) -> None:
    """Remove what torch notes of where each step came from: paths of this machine."""
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
