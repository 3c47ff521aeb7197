"""A test from end to end, and its parts by themselves."""

from __future__ import annotations

from typing import Any, cast

from hrpose.datasets.base import PoseDataset
from hrpose.engine.evaluate import Evaluator
from hrpose.engine.experiment import prepare
from hrpose.engine.loading import loader
from hrpose.engine.placement import resolve_precision
from hrpose.metrics.score import Pairing, score
from hrpose.models.folding import fold_batch_norm
from hrpose.rundir.log import RunLog
from proofs.benchmark.figures import Fact, Row, Section, rate
from proofs.benchmark.pages import Page
from proofs.benchmark.resident import answers, on_device
from proofs.benchmark.resized import Resized
from proofs.benchmark.timing import Plan, alternate


def testing_section(page: Page, plan: Plan, animals: int | None) -> Section:
    """Animals a second of the page's test; in turns, of its parts: loader, inference, scoring.

    Args:
        animals: how many to test on: spread evenly over the test set, or that several times over;
            None takes the test set as it is.
    """
    experiment = prepare(page)
    device, settings = plan.device, experiment.settings
    dataset = experiment.dataset("test")
    if animals is not None:
        dataset = cast(PoseDataset, Resized(dataset, animals))
    model = experiment.model.to(device).to(memory_format=settings.memory_format)
    evaluator = Evaluator.of(experiment, dataset, device, RunLog(None, main=False))
    batches = loader(experiment, dataset, train=False, device=device)
    first = on_device(next(iter(batches)), device)
    precision, flip_test = resolve_precision(settings.precision, device), model.flip_test
    answer = answers(fold_batch_norm(model), precision, device)
    predictions = evaluator.evaluate(model).predictions
    view = Pairing(predictions, dataset.labels())
    count, size = len(predictions), len(first["images"])
    works: dict[str, Any] = {
        "whole": lambda: evaluator.evaluate(model),
        "loader": lambda: [None for _ in batches],
        "inference": lambda: answer(first["images"], flip_test),
        "scoring": lambda: score(predictions, experiment.metrics, lambda _: view),
    }
    taken = alternate(works, plan, "test")
    facts: dict[str, Fact] = {
        "animals": count,
        "batch": experiment.data.val_batch_size,
        "workers": batches.num_workers,
        "flip_test": flip_test,
    }
    unit = "animals/s"
    return Section(
        [
            Row("test, end to end", rate(taken["whole"], count, unit), facts),
            Row("its loader alone", rate(taken["loader"], count, unit)),
            Row("its inference alone, one resident batch", rate(taken["inference"], size, unit)),
            Row("its scoring alone", rate(taken["scoring"], count, unit)),
        ],
        ["end to end: loader, forward, flip test, decoding, the way back to image px, metrics"],
    )
