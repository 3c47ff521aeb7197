"""An exported model at work: ONNX Runtime in torch's place, and no page beside the file.

Legend: B crops of a batch, K keypoints, h/w the crop in px.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hrpose.datasets  # noqa: F401 - makes the transforms of pages known
from hrpose.config.registry import build
from hrpose.environment import require
from hrpose.errors import CheckpointError, ConfigError
from hrpose.keypoints import KeypointMeta
from hrpose.predict.crops import Cropper
from hrpose.storage.addresses import without_secrets
from hrpose.storage.digests import file_digest
from hrpose.storage.download import fetch

if TYPE_CHECKING:
    from hrpose.predict.loop import Answer

SUFFIX = ".onnx"
INPUT, OUTPUTS = "crops", ("keypoints", "scores")
_QUIET = 3  # ONNX Runtime's level for errors


class OnnxEstimator:
    """Crops in, keypoints and scores out; see `predict.loop.Estimate`. On the CPU.

    Args:
        session: an `onnxruntime.InferenceSession` of a file that `hrpose export` has written.
    """

    def __init__(self, session: Any) -> None:
        self.session = session

    def __call__(self, images: np.ndarray) -> Answer:
        """Run the network on `images` (B, 3, h, w) uint8."""
        crops = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        keypoints, scores = self.session.run(list(OUTPUTS), {INPUT: crops})
        return lambda: (keypoints.astype(np.float64), scores)


@dataclass(frozen=True)
class Exported:
    """A model read from an .onnx file, and what stands in that file."""

    page: dict[str, Any]
    """As JSON gives it: lists in the place of tuples."""
    name: str
    """Of the page."""
    cropper: Cropper
    estimate: OnnxEstimator
    made_from: dict[str, str]
    """Digests of the page, of this file and of the checkpoint behind it; device, arithmetic."""
    said: str
    """What was read, in a line."""


def read_exported(source: str | Path) -> Exported:
    """The model in a file of `hrpose export`, given its path or address. Does without torch.

    Raises:
        CheckpointError: it cannot be read, or `hrpose export` has not written it.
        RunError: the package onnxruntime is missing.
    """
    path = Path(fetch(source))
    session = _session(path)
    texts = session.get_modelmeta().custom_metadata_map
    try:
        page, flip_test = json.loads(texts["page"]), texts["flip_test"]
        meta = KeypointMeta(**json.loads(texts["keypoints"]))
        cropper = Cropper(build(page["test_pipeline"], "test_pipeline"), meta)
        made_from = {
            "page_sha256": texts["page_sha256"],
            "checkpoint": without_secrets(str(source)),
            "checkpoint_sha256": file_digest(path),
            "exported_from_sha256": texts["checkpoint_sha256"],
            "device": "CPU, ONNX Runtime",
            "precision": texts["precision"],
            "flip_test": flip_test,
        }
        name = texts["name"]
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"{path}: does not say what its keypoints are and how its crops are cut "
            f"({type(error).__name__}: {error}); make it with `hrpose export`"
        ) from error
    said = (
        f"model: {name} with {len(meta)} keypoints in {made_from['precision']} "
        f"from {made_from['checkpoint']}"
    )
    return Exported(page, name, cropper, OnnxEstimator(session), made_from, said)


def _session(path: Path) -> Any:
    library = require("onnxruntime", "export", f"running {path}")
    options = library.SessionOptions()
    options.log_severity_level = _QUIET
    threads = os.environ.get("OMP_NUM_THREADS", "")  # which torch obeys, and this library does not
    if threads.isdecimal():
        options.intra_op_num_threads = int(threads)
    try:
        session = library.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of kinds that the library does not name
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"{path}: not a model that ONNX Runtime can run: {first}") from error
    inputs, outputs = (
        [part.name for part in parts] for parts in (session.get_inputs(), session.get_outputs())
    )
    if (inputs, outputs) != ([INPUT], list(OUTPUTS)):
        raise CheckpointError(
            f"{path}: takes {', '.join(inputs)} and gives {', '.join(outputs)}, but a model of "
            f"`hrpose export` takes {INPUT} and gives {' and '.join(OUTPUTS)}"
        )
    return session


def texts_of(
    name: str,
    page: Mapping[str, Any],
    meta: KeypointMeta,
    more: Mapping[str, str],
) -> dict[str, str]:
    """What `read_exported` needs to find in a file, as texts by name.

    Args:
        page: without secrets.
        more: page_sha256, checkpoint_sha256, flip_test, precision, and what else is to stand there.
    """
    keypoints = {field: getattr(meta, field) for field in KeypointMeta.__dataclass_fields__}
    return {"name": name, "page": json.dumps(page), "keypoints": json.dumps(keypoints), **more}
