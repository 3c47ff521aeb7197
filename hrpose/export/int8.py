"""A model of whole numbers: the convolutions of an ONNX file in 8 bits, all else as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hrpose.environment import require
from hrpose.errors import RunError
from hrpose.export.exported import INPUT

_BATCH = 8
_PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Says that the file needs no preparation: the exporter has folded and simplified it."""


def quantise(file: Path, crops: np.ndarray) -> None:
    """Let the convolutions of an ONNX file of `hrpose export` multiply in 8 bits, in place.

    The range of each tensor between them is that on `crops`. Those of the head stay in fp32, as do
    normalisation, sums, flip test and decoding.

    Args:
        crops: (N, h, w, 3) uint8 RGB.

    Raises:
        RunError: ONNX Runtime cannot do it.
    """
    onnx = require("onnx", "export", "--int8")
    library = require("onnxruntime.quantization", "export", "--int8")
    model = onnx.load(file)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    head = [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and any("keypoint_head." in name for name in node.input)
    ]
    onnx.helper.set_model_props(model, _PREPARED)
    feeds = iter([{INPUT: crops[at : at + _BATCH]} for at in range(0, len(crops), _BATCH)])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "int8.onnx"
        try:
            library.quantize_static(
                model, out, SimpleNamespace(get_next=lambda: next(feeds, None)),
                op_types_to_quantize=["Conv"], nodes_to_exclude=head, per_channel=True,
                # 7 bits of weight: without VNNI a processor adds two products in 16 bits, and the
                # file would be another one there than the one that is checked here
                reduce_range=True,
                activation_type=library.QuantType.QUInt8, weight_type=library.QuantType.QInt8,
            )  # fmt: skip
        except Exception as error:  # of kinds that the library does not name
            first = str(error).strip().partition("\n")[0]
            raise RunError(f"--int8: the network cannot be quantised: {first}") from error
        model = onnx.load(out)
    onnx.helper.set_model_props(model, {**texts, "precision": "int8"})
    onnx.save(model, file)
