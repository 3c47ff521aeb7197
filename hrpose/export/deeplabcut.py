"""A model for DeepLabCut 3: its snapshot, and what DeepLabCut does otherwise than its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hrpose.codecs import DeepLabCutHeatmap
from hrpose.datasets.whole_pixel_crop import WholePixelCrop
from hrpose.errors import RunError
from hrpose.models import HRNet
from hrpose.models.foreign.deeplabcut import from_ours

if TYPE_CHECKING:
    from hrpose.engine.experiment import Experiment
    from hrpose.models import TopDown

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def snapshot_of(model: TopDown) -> dict[str, Any]:
    """What DeepLabCut's snapshot holds of `model`.

    Raises:
        RunError: DeepLabCut's HRNet with a head of one layer cannot be this network.
    """
    head = model.keypoint_head
    if type(model.backbone) is not HRNet or model.backbone.out_channels not in (32, 48):
        raise RunError(
            f"--format deeplabcut: the backbone is {type(model.backbone).__name__} with "
            f"{model.backbone.out_channels} channels; expected HRNet of width 32 or 48"
        )
    if len(head.deconv_layers) or head.final_layer.kernel_size != (1, 1):
        raise RunError("--format deeplabcut: the head is more than one 1x1 convolution")
    metadata = {"epoch": 1, "metrics": {}, "losses": {}}
    return {"model": from_ours(model.state_dict()), "metadata": metadata}


def notes_on(experiment: Experiment) -> list[str]:
    """How DeepLabCut must be set, and what it will do otherwise than the page, a line each."""
    model, codec = experiment.model, experiment.model.codec
    kind = "a project's (final_conv, locref_head)" if codec.refinement else "SuperAnimal's (deconv)"
    width, height = codec.input_size
    notes = [
        f"DeepLabCut: hrnet_w{model.backbone.out_channels}, top down, crop {width} x {height}, "
        f"head as {kind}, {len(experiment.meta)} body parts: {', '.join(experiment.meta.names)}"
    ]
    others = []
    if not isinstance(codec, DeepLabCutHeatmap):
        half = width / codec.heatmap_size[0] / 2
        others.append(f"points {half:g} px of the crop further right and down, no step in a cell")
    if not any(isinstance(step, WholePixelCrop) for step in experiment.pipelines["test"]):
        others.append("crops of whole px, without padding")
    if model.flip_test:
        others.append("no flip test")
    colours = (*model.mean.flatten().tolist(), *model.std.flatten().tolist())
    if any(abs(a - b) > 1e-6 for a, b in zip(colours, (*_MEAN, *_STD), strict=True)):
        others.append("its own mean and std of colours")
    if others:
        notes.append(f"DeepLabCut will predict otherwise than this page: {'; '.join(others)}")
    return notes
