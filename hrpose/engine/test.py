"""Test a checkpoint: metrics, predictions and what they were made from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.engine.evaluate import Evaluator
from hrpose.engine.experiment import prepare
from hrpose.engine.guards.start import look_at_images
from hrpose.engine.tables import keypoint_table, metric_table, write_numbers
from hrpose.errors import RunError
from hrpose.metrics.results.write import write_predictions
from hrpose.metrics.score import Report
from hrpose.models.weights import load_weights
from hrpose.processes import distributed
from hrpose.processes.device import arithmetic, choose_device, has_bf16, set_backends
from hrpose.rundir import provenance
from hrpose.rundir.log import RunLog
from hrpose.storage.digests import file_digest
from hrpose.storage.download import fetch

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset


def run_test(
    page: dict[str, Any], source: str, work_dir: Path, out: Path | None = None
) -> tuple[Report, PoseDataset]:
    """Score the checkpoint `source` (a path or a URL) on the page's test set.

    Prints the metrics and the scores per keypoint; writes the predictions to `out` (default
    `work_dir/predictions.json`) and the numbers to `work_dir/metrics.json`.

    Raises:
        HrposeError: with what the user can do; testing accepts no checkpoint that fits only partly.
    """
    experiment = prepare(page)
    out = out or work_dir / "predictions.json"
    device = choose_device(experiment.settings.device)
    set_backends(experiment.settings.deterministic, device, experiment.settings.tf32)
    with distributed.processes(device), closing(RunLog(None, distributed.rank() == 0)) as log:
        if distributed.rank() == 0:
            with _written_to(work_dir, out):  # before the work is done, too
                for folder in (work_dir, out.parent):
                    folder.mkdir(parents=True, exist_ok=True)
        dataset = experiment.dataset("test")
        log.info(f"test: {dataset.summary()}")
        look_at_images(experiment, {"test": dataset}, log)
        path = distributed.local_first(fetch, source, None, log.warning)
        log.info(load_weights(experiment.model, path, strict=True))
        layout = experiment.settings.memory_format
        model = experiment.model.to(device).to(memory_format=layout)
        start = time.perf_counter()
        evaluator = Evaluator.of(experiment, dataset, device, log)
        report = evaluator.evaluate(model)
        seconds = time.perf_counter() - start
        animals = len(report.predictions)
        told = arithmetic(evaluator.precision, device)
        log.info(f"{animals} animals in {seconds:.1f} s on {provenance.machine(device)}, {told}")
        if told == "fp32" and device.type == "cpu" and has_bf16():
            log.info("this processor has bf16; `hrpose doctor` says what it would gain here")
        log.info(metric_table(report))
        log.info(keypoint_table(report))
        if distributed.rank() == 0:
            made_from = {
                "checkpoint": str(path),
                "checkpoint_sha256": file_digest(Path(path)),
                "annotations_sha256": dataset.digest(),
                "config_sha256": provenance.page_digest(page),
                "device": provenance.machine(device),
                "seconds": round(seconds, 3),
                "animals": animals,
                "left_out": len(dataset.left_out),
            }
            with _written_to(work_dir, out):
                write_predictions(report.predictions, dataset.truth(), out, dataset.coco())
                written = write_numbers(report, page, made_from, work_dir / "metrics.json")
            log.info(f"{written} and {out}")
    return report, dataset


@contextmanager
def _written_to(work_dir: Path, out: Path) -> Iterator[None]:
    """RunError where the results cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{error.filename or work_dir}: cannot write the results there ({error.strerror}); "
            f"choose other places than {work_dir} and {out} with --work-dir and --out"
        ) from error
