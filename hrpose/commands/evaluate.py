"""Score a COCO results file (ours, MMPose's result_keypoints.json, others): metrics with 95%
intervals over images, and scores per keypoint. Reads no image and no checkpoint.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.commands import common
from hrpose.errors import DataError, RunError

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.metrics.bootstrap import Difference
    from hrpose.metrics.results.match import Matches
    from hrpose.metrics.results.scorer import Scorer, ScoringSettings
    from hrpose.metrics.score import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose evaluate`."""
    parser.epilog = "Entries are matched by annotation_id, else by image_id."
    common.add_config(parser)
    parser.add_argument("predictions", metavar="PREDICTIONS", type=Path, help="COCO results, .json")
    common.add_labels(parser)
    parser.add_argument(
        "--out", type=Path, help="file for the numbers, as metrics.json of `hrpose test`"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="OTHER",
        help="second results file: PREDICTIONS minus OTHER, with a paired bootstrap test",
    )  # fmt: skip
    parser.add_argument(
        "--nms", action="store_true",
        help="suppress duplicates before AP as the page says (default: the file as it is)",
    )  # fmt: skip
    parser.add_argument(
        "--images", metavar="LIST",
        help="score only these images: file names, one a line, or FILE.csv:COLUMN",
    )  # fmt: skip
    parser.add_argument(
        "--allow-missing", action="store_true",
        help="leave out animals that have no prediction instead of stopping",
    )  # fmt: skip
    parser.add_argument("--resamples", type=int, default=1000, help="of the intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    common.add_cfg_options(parser, "metrics.0.thr=0.1 data.root=/data/horse10")


def run(args: argparse.Namespace) -> None:
    """Score the file, or compare it with another."""
    page = common.load_page(args, common.label_changes(args))
    from hrpose.metrics.results.scorer import ScoringSettings

    settings = ScoringSettings(args.nms, args.images, args.allow_missing, args.resamples, args.seed)
    score_file(page, args.predictions, settings, args.out, args.compare)


def score_file(
    page: dict[str, Any],
    path: Path,
    settings: ScoringSettings,
    out: Path | None = None,
    other: Path | None = None,
) -> tuple[Report, dict[str, Difference | None]]:
    """Score the predictions in `path`; prints as `run_test` does, and writes the same to `out`.

    With `other`, a second file for the same labels, tests how the two differ: `path` minus `other`.

    Raises:
        HrposeError: with what the user can do.
    """
    from hrpose.engine.experiment import prepare
    from hrpose.engine.tables import comparison_table, keypoint_table, metric_table, write_numbers
    from hrpose.metrics.bootstrap import difference, doubts, percentiles
    from hrpose.metrics.results.scorer import Scorer

    if other is not None and not settings.resamples:
        raise RunError("--compare tests by resampling; give --resamples a number above 0")
    experiment = prepare(page)
    dataset = experiment.dataset("test", labels_only=True)
    scorer = Scorer(experiment.metrics, dataset.labels(), settings)
    print(f"test: {dataset.summary()}")
    animals, images = len(scorer.labels.truth), len(scorer.labels.image_ids())
    print(f"scored on {animals} animals in {images} images")
    files = [scorer.read(file) for file in (path, other) if file is not None]
    _check_same_animals(files)
    reports = [scorer.score(file) for file in files]
    drawn = []
    if settings.resamples:
        drawn = [scorer.resample(file, str(file.answers.path.name)) for file in files]
        reports[0].intervals = {name: percentiles(values) for name, values in drawn[0].items()}
        print(f"in brackets: 95% intervals, from {settings.resamples} draws of images")
    print(metric_table(reports[0]))
    print(keypoint_table(reports[0]))
    more: dict[str, Any] = {"intervals": reports[0].intervals}
    doubtful = doubts(reports[0].intervals, len(set(scorer.labels.truth.image_ids.tolist())))
    if doubtful:
        print("\n".join(f"warning: {sentence}" for sentence in doubtful))
        more["doubts"] = doubtful
    differences: dict[str, Difference | None] = {}
    if len(drawn) == 2:
        for name in (name for name in drawn[0] if name in drawn[1]):
            ours, theirs = reports[0].values[name], reports[1].values[name]
            differences[name] = difference(theirs, ours, drawn[1][name], drawn[0][name])
        print(comparison_table(reports[0], reports[1], differences, str(other)))
        more["comparison"] = {
            "other": str(other),
            "metrics": reports[1].values,
            "differences": {n: d and asdict(d) for n, d in differences.items()},
        }
    if out is not None:
        print(
            write_numbers(reports[0], page, _made_from(page, dataset, scorer, files), out, **more)
        )
    return reports[0], differences


def _check_same_animals(files: list[Matches]) -> None:
    """Two files that answer different animals cannot be compared animal by animal."""
    clear = [set(file.animals.tolist()) - {-1} for file in files if not file.trouble]
    if len(clear) == 2 and clear[0] != clear[1]:
        paths = " and ".join(str(file.answers.path) for file in files)
        raise DataError(
            f"{paths} answer different animals ({len(clear[0] ^ clear[1])} are in one only); "
            "compare files with the same ones"
        )


def _made_from(
    page: dict[str, Any], dataset: PoseDataset, scorer: Scorer, files: list[Matches]
) -> dict[str, Any]:
    from hrpose.rundir import provenance

    settings = scorer.settings
    made_from = {
        "predictions": str(files[0].answers.path),
        "predictions_sha256": files[0].answers.digest,
        "annotations_sha256": dataset.digest(),
        "config_sha256": provenance.page_digest(page),
        "animals": len(scorer.labels.truth),
        "left_out": len(dataset.left_out),
        **asdict(settings),
    }
    if len(files) > 1:
        made_from["other_sha256"] = files[1].answers.digest
    return made_from
