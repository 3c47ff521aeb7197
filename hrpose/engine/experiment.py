"""From a config page to objects that fit each other.

Everything that is wrong is said at once, before any data is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from hrpose.codecs import Codec
from hrpose.config.registry import build, check, registered
from hrpose.datasets.preflight.pipeline import check_pipeline
from hrpose.datasets.transforms import Transform
from hrpose.engine.optim import Schedule
from hrpose.engine.settings import DataSettings, RunSettings
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta
from hrpose.metrics import Metric
from hrpose.models import TopDown
from hrpose.models.channels import TrainedModel
from hrpose.rundir.generators import seed_generators

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset

SPLITS = ("train", "val", "test")
_KINDS = {
    "keypoints": KeypointMeta,
    "model": TopDown,
    "train_pipeline": Transform,
    "test_pipeline": Transform,
    "metrics": Metric,
    "optimizer": torch.optim.Optimizer,
    "schedule": Schedule,
    "load_from": TrainedModel,
}
"""What each part of a page must be; of a list, each of its items."""


@dataclass
class Experiment:
    """A page as objects; what takes long is made when it is asked for: data sets and the model."""

    page: dict[str, Any]
    meta: KeypointMeta
    codec: Codec
    pipelines: dict[str, list[Transform]]
    metrics: list[Metric]
    schedule: Schedule
    settings: RunSettings
    data: DataSettings

    @cached_property
    def model(self) -> TopDown:
        """The page's model; its first weights follow from the seed alone."""
        seed_generators(self.settings.seed)
        return build(self.page["model"], "model", keypoints=self.meta)

    def outline(self) -> TopDown:
        """The model on torch's meta device: shapes without weights."""
        with torch.device("meta"):
            return build(self.page["model"], "model", keypoints=self.meta)

    def optimizer(self, params: Any, factor: float = 1.0) -> torch.optim.Optimizer:
        """The page's optimizer for `params`, its rate times `factor`."""
        optimizer = build(self.page["optimizer"], "optimizer", params=params)
        for group in optimizer.param_groups:
            group["lr"] *= factor
        return optimizer

    def dataset(self, split: str, labels_only: bool = False) -> PoseDataset:
        """Read one of the page's data sets: 'train', 'val' or 'test'; see `read_dataset`."""
        pipeline = self.pipelines["train" if split == "train" else "test"]
        dataset = _read(self.page, split, self.meta, pipeline, labels_only)
        dataset.seed = self.settings.seed
        return dataset

    def higher_is_better(self) -> bool:
        """Whether a larger `runner.save_best` is a better one."""
        name = self.settings.save_best
        return next((m.higher_is_better for m in self.metrics if name in m.names), True)


def read_dataset(page: dict[str, Any], split: str, labels_only: bool = False) -> PoseDataset:
    """Read a data set of `page` and nothing else, whatever may be wrong with the rest of it.

    With `labels_only` no image is needed, and a detector's boxes do not replace annotations.

    Raises:
        ConfigError: keypoints, pipeline or data set are wrong on the page.
        DataError: the data cannot be used.
    """
    _import_names(page)
    meta = build(page["keypoints"], "keypoints")
    name = "train_pipeline" if split == "train" else "test_pipeline"
    return _read(page, split, meta, build(page[name], name), labels_only)


def _read(
    page: dict[str, Any],
    split: str,
    meta: KeypointMeta,
    pipeline: list[Transform],
    labels_only: bool,
) -> PoseDataset:
    cfg = dict(page["data"][split])
    if "ann_file" in cfg:  # animals that are drawn have neither root nor files
        cfg.setdefault("root", page["data"].get("root", ""))
        if labels_only:
            cfg |= {"labels_only": True, "box_file": None}
    return build(cfg, f"data.{split}", keypoints=meta, pipeline=pipeline)


def prepare(page: dict[str, Any]) -> Experiment:
    """Build all of a page that needs no data; the model only in outline, to see that it can be.

    Raises:
        ConfigError: with every problem of the page: names, keys, types, values, and values that
            disagree with one another.
    """
    _import_names(page)
    problems: list[str] = []

    def part(name: str, cfg: Any = None, **objects: Any) -> Any:
        if cfg is None and name not in page:
            problems.append(f"{name}: the page does not say it")
            return None
        try:
            made = build(page[name] if cfg is None else cfg, name, **objects)
        except ConfigError as error:
            problems.extend(error.problems)
            return None
        wrong = _misfits(name, made)
        problems.extend(wrong)
        return None if wrong else made

    data = dict(page.get("data", {}))
    splits = {split: data.pop(split, None) for split in SPLITS}
    settings = part("runner", {**page.get("runner", {}), "type": "RunSettings"})
    seed_generators(settings.seed if settings else 0)  # for parts of users that draw
    meta = part("keypoints")
    with torch.device("meta"):
        model = part("model", keypoints=meta) if meta else None
    if meta is None and "model" in page:
        problems += check(page["model"], "model", keypoints=None)
    pipelines = {"train": part("train_pipeline"), "test": part("test_pipeline")}
    metrics = part("metrics")
    part("optimizer", params=[torch.nn.Parameter(torch.zeros(1))])
    schedule = part("schedule")
    data_settings = part("data", {**data, "type": "DataSettings"})
    start = part("load_from") if isinstance(page.get("load_from"), dict) else None
    if meta and start and (misfit := start.problem_with(meta.names)):
        problems.append(f"load_from.names: {misfit}; write the page's names in place of theirs")
    for split, cfg in splits.items():
        if cfg is None:
            problems.append(f"data.{split}: the page does not say it")
        else:
            problems += check(cfg, f"data.{split}", keypoints=meta, pipeline=[])
    if meta and not problems:
        problems += _pipeline_problems(splits, pipelines, meta)
    if model and pipelines["train"] and pipelines["test"]:
        problems += _disagreements(page, model.codec, pipelines)
    if metrics == []:
        problems.append("metrics: the page lists none, so nothing could be measured; name one")
    if meta and metrics and settings:
        problems += _metric_problems(metrics, meta, settings)
    if problems or model is None:
        raise ConfigError(list(dict.fromkeys(problems)))
    return Experiment(
        page, meta, model.codec, pipelines, metrics, schedule, settings, data_settings
    )


def _import_names(page: dict[str, Any]) -> None:
    """Import the modules of `custom_imports`, which make their classes known to pages."""
    for module in page.get("custom_imports", ()):
        try:
            importlib.import_module(module)
        except (ImportError, ValueError, TypeError) as error:  # '' and '.x' are no names
            raise ConfigError(f"custom_imports: cannot import '{module}' ({error})") from error


def _misfits(name: str, made: Any) -> list[str]:
    """A sentence for each object under `name` of a page that is of quite another kind."""
    kind = _KINDS.get(name, object)
    items = enumerate(made) if isinstance(made, list | tuple) else [("", made)]
    return [
        f"{name}{f'.{place}' if place != '' else ''}: {type(item).__name__} cannot stand here; "
        f"expected a {kind.__name__}"
        for place, item in items
        if not isinstance(item, kind)
    ]


def _disagreements(
    page: dict[str, Any], codec: Codec, pipelines: dict[str, list[Transform]]
) -> list[str]:
    """Values of one part that do not fit those of another."""
    problems = []
    if "codec" in page and page["codec"] != page["model"].get("codec"):
        problems.append("model.codec: differs from the page's codec; write model.codec = '$codec'")
    for name, pipeline in pipelines.items():
        for number, transform in enumerate(pipeline):
            where = f"{name}_pipeline.{number}"
            for attribute in ("input_size", "size"):
                size = page[f"{name}_pipeline"][number].get(attribute, codec.input_size)
                if tuple(size) != tuple(codec.input_size):
                    problems.append(
                        f"{where}.{attribute}: {tuple(size)} differs from "
                        f"codec.input_size {tuple(codec.input_size)}; write '$codec.input_size'"
                    )
            udp = getattr(transform, "udp", codec.udp)
            if udp != codec.udp:
                problems.append(
                    f"{where}.udp: {udp}, but {type(codec).__name__} needs "
                    f"crops warped with udp={codec.udp}"
                )
    return problems


def _pipeline_problems(
    splits: dict[str, Any], pipelines: dict[str, list[Transform]], meta: KeypointMeta
) -> list[str]:
    """Transforms that miss what they need, for the records of the data sets that use them."""
    problems = []
    for split, cfg in splits.items():
        name = "train" if split == "train" else "test"
        keys = getattr(registered().get(cfg["type"]), "record_keys", None)
        if keys and pipelines[name]:
            try:
                check_pipeline(pipelines[name], meta, keys)
            except ValueError as error:
                problems.append(f"{name}_{error}")
    return problems


def _metric_problems(
    metrics: Sequence[Metric], meta: KeypointMeta, settings: RunSettings
) -> list[str]:
    problems = []
    names: list[str] = []
    for number, metric in enumerate(metrics):
        where = f"metrics.{number} ({type(metric).__name__})"
        problems += [f"{where}: {sentence}" for sentence in metric.check(meta)]
        twice = [name for name in metric.names if name in names]
        if twice:
            problems.append(f"{where}: '{twice[0]}' is the name of another metric of this page")
        names += metric.names
    if settings.save_best and settings.save_best not in names:
        problems.append(
            f"runner.save_best: no metric of this page gives '{settings.save_best}'; "
            f"there are {', '.join(names)}"
        )
    return problems
