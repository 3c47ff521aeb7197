"""How good a model is on a data set: predict, gather over processes, score."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from hrpose.engine.loading import loader
from hrpose.engine.memory import advice_if_short
from hrpose.engine.placement import autocast, convert_weights, resolve_precision
from hrpose.errors import RunError
from hrpose.metrics.score import Pairing, Report, score
from hrpose.models.folding import fold_batch_norm
from hrpose.predict.loop import Answer, predict
from hrpose.processes import distributed
from hrpose.structures import Predictions

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from hrpose.datasets.base import PoseDataset
    from hrpose.engine.experiment import Experiment
    from hrpose.metrics import Metric
    from hrpose.models import TopDown
    from hrpose.rundir.log import RunLog


class Estimator:
    """A model at work: crops in, keypoints and scores out; see `predict.loop.Estimate`.

    Works with a copy of `model` that has batch norm folded into the convolutions.
    """

    def __init__(self, model: TopDown, device: torch.device, precision: str) -> None:
        self.model, self.device, self.precision = fold_batch_norm(model), device, precision
        if device.type == "cpu":  # not tried on a GPU yet
            convert_weights(self.model, precision)

    @torch.inference_mode()
    def __call__(self, images: Any) -> Answer:
        """Set the network to work on `images` (B, 3, h, w), a tensor or an array; on a GPU nobody
        waits for it here.
        """
        crops = torch.as_tensor(images)
        with autocast(self.precision, self.device):
            keypoints, scores = self.model.predict(crops.to(self.device, non_blocking=True))
        done = None
        if self.device.type == "cuda":
            keypoints, scores = _to_host(keypoints), _to_host(scores)
            done = torch.cuda.Event()
            done.record()

        def answer() -> tuple[Any, Any]:
            if done is not None:
                done.synchronize()
            return keypoints.cpu().double().numpy(), scores.float().cpu().numpy()

        return answer


def _to_host(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the host, which is whole once the GPU has done all that was asked of it so far."""
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor, non_blocking=True)


@dataclass
class Evaluator:
    """Evaluates models on one data set; of several processes each predicts its share.

    Args:
        batches: the loader of this process for `dataset`.
        precision: as `engine.placement.resolve_precision` gives it.
    """

    dataset: PoseDataset
    batches: DataLoader
    metrics: Sequence[Metric]
    device: torch.device
    precision: str
    log: RunLog

    @classmethod
    def of(
        cls, experiment: Experiment, dataset: PoseDataset, device: torch.device, log: RunLog
    ) -> Evaluator:
        """With the loader, the metrics and the arithmetic of `experiment`."""
        batches = loader(experiment, dataset, train=False, device=device)
        precision = resolve_precision(experiment.settings.precision, device)
        return cls(dataset, batches, experiment.metrics, device, precision, log)

    def evaluate(self, model: TopDown, check: Callable[[], None] = lambda: None) -> Report:
        """The report on `model`, the same on every process.

        Args:
            check: called before each batch, equally often on every process; what it raises ends
                the evaluation.

        Raises:
            RunError: memory ran out, or no image of the data set could be read.
            DataError, LoaderError: a batch of this process or of another does not come.
        """
        predictions = self.predict(model, check)
        report = None
        if distributed.rank() == 0:
            view = Pairing(predictions, self.dataset.labels())
            report = score(predictions, self.metrics, lambda _: view)
        return distributed.broadcast(report)

    def predict(self, model: TopDown, check: Callable[[], None] = lambda: None) -> Predictions:
        """Keypoints of every animal, gathered over the processes."""
        shown = self.log.progress(self.batches, len(self.batches), "evaluation")
        fewer = distributed.largest(len(self.batches)) - len(self.batches)
        checked = _checked(itertools.chain(shown, itertools.repeat(None, fewer)), check)
        with advice_if_short("in the evaluation", "set data.val_batch_size lower"):
            estimator = Estimator(model, self.device, self.precision)
            here = list(predict(self._readable(checked), estimator))
        everyone = [part for parts in distributed.gather(here) for part in parts]
        if not everyone:
            raise RunError("no animal could be evaluated: every image of the data set was left out")
        return Predictions.join(everyone)

    def _readable(self, batches: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """`batches` without empty ones; says which images were left out."""
        for batch in batches:
            for message in batch["bad"]:
                self.log.warning(f"left out of the evaluation: {message}")
            if len(batch["index"]):
                yield batch


def _checked(
    batches: Iterable[dict[str, Any] | None], check: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    """`batches` that every process gets together, with `check` before each; a None only counts."""
    for batch in distributed.together(batches):
        check()
        if batch is not None:
            yield batch
