"""A trained model ready for use: a page and a checkpoint become crops -> keypoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.engine.evaluate import Estimator
from hrpose.engine.experiment import prepare
from hrpose.engine.memory import advice_if_short
from hrpose.engine.placement import resolve_precision
from hrpose.models.weights import load_weights
from hrpose.predict.crops import Cropper
from hrpose.predict.pipeline import Pipeline
from hrpose.predict.pose import Pose
from hrpose.processes.device import choose_device, set_backends
from hrpose.rundir import provenance
from hrpose.storage.addresses import without_secrets
from hrpose.storage.digests import file_digest
from hrpose.storage.download import fetch

if TYPE_CHECKING:
    from hrpose.predict.loop import Answer


@dataclass
class Trained:
    """A model at work, and what it was made from."""

    cropper: Cropper
    estimate: Callable[[Any], Answer]
    made_from: dict[str, str]
    """Digests of page and checkpoint, device, arithmetic."""
    said: str
    """What was loaded, in a line."""


def load_trained(
    page: dict[str, Any],
    checkpoint: str | Path,
    device: str | None = None,
    precision: str | None = None,
    flip_test: bool | None = None,
) -> Trained:
    """The model of `page` with the weights of `checkpoint`, a path or an address.

    Args:
        device: 'cpu', 'cuda', 'cuda:1', 'mps' or 'auto'; the page's `runner.device` if None.
        precision: 'fp32' or 'amp'.
        flip_test: whether the mean with the mirror image is taken; as the page says if None.

    Raises:
        HrposeError: page or checkpoint cannot be used, or the checkpoint is of another page.
    """
    experiment = prepare(page)
    settings = experiment.settings
    target = choose_device(device or settings.device)
    set_backends(settings.deterministic, target, settings.tf32)
    path = Path(fetch(checkpoint))
    said = load_weights(experiment.model, path, strict=True)
    model = experiment.model.to(target).to(memory_format=settings.memory_format)
    if flip_test is not None:
        model.flip_test = flip_test
    arithmetic = resolve_precision(precision or "fp32", target)
    estimator = Estimator(model, target, arithmetic)

    def estimate(images: Any) -> Answer:
        with advice_if_short("in the prediction", "set --batch-size lower"):
            return estimator(images)

    made_from = {
        "page_sha256": provenance.page_digest(page),
        "checkpoint": without_secrets(str(checkpoint)),
        "checkpoint_sha256": file_digest(path),
        "device": provenance.machine(target),
        "precision": arithmetic,
        "flip_test": str(model.flip_test),
    }
    return Trained(
        Cropper(experiment.pipelines["test"], experiment.meta), estimate, made_from, said
    )


def load_model(
    config: str | Path,
    checkpoint: str | Path,
    device: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> Pose:
    """A trained model that is called with images; see `Pose`.

    Args:
        config: a config page: a .py file, or the name of a page that comes with hrpose.
        checkpoint: path or address of the weights.
        device: 'cpu', 'cuda', 'cuda:1', 'mps'; the page's choice if None: a GPU if there is one.
        cfg_options: values to change on the page, such as {'model.flip_test': False}.

    Raises:
        HrposeError: one of them cannot be used, or they do not fit.
    """
    from hrpose.config import load
    from hrpose.config.pages import find_page

    changes = [f"{key}={value!r}" for key, value in (cfg_options or {}).items()]
    trained = load_trained(load(find_page(config), changes), checkpoint, device)
    return Pose(Pipeline(trained.cropper, trained.estimate))
