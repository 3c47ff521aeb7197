"""From a config page to objects that fit each other.

Everything that is wrong is said at once, before any data is read.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hrpose.config.registry import build, check, registered
from hrpose.engine.parts import misfits
from hrpose.engine.settings import DataSettings, RunSettings
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.models import TopDown

ROOMS = ("hrpose.codecs", "hrpose.datasets", "hrpose.models", "hrpose.metrics")
SPLITS = ("train", "val", "test")


@dataclass
class Experiment:
    """A page as objects; the data sets are still dicts, since building them reads the disk."""

    page: dict[str, Any]
    meta: KeypointMeta
    model: TopDown
    pipelines: dict[str, list[Any]]
    metrics: list[Any]
    schedule: Any
    settings: RunSettings
    data: DataSettings

    def optimizer(self, params: Any) -> torch.optim.Optimizer:
        """The page's optimizer for `params`."""
        return build(self.page["optimizer"], "optimizer", params=params)

    def dataset(self, split: str, labels_only: bool = False) -> PoseDataset:
        """Read one of the page's data sets: 'train', 'val' or 'test'.

        With `labels_only` no image is needed, and a detector's boxes do not replace annotations.
        """
        cfg = self._dataset_cfg(split)
        if labels_only and "ann_file" in cfg:
            cfg |= {"labels_only": True, "box_file": None}
        pipeline = self.pipelines["train" if split == "train" else "test"]
        dataset = build(cfg, f"data.{split}", keypoints=self.meta, pipeline=pipeline)
        dataset.seed = self.settings.seed
        return dataset

    def _dataset_cfg(self, split: str) -> dict[str, Any]:
        cfg = dict(self.page["data"][split])
        if "ann_file" in cfg:
            cfg.setdefault("root", self.data.root)
        return cfg

    def higher_is_better(self) -> bool:
        """Whether a larger `runner.save_best` is a better one."""
        name = self.settings.save_best
        return next((m.higher_is_better for m in self.metrics if name in m.names), True)


def prepare(page: dict[str, Any]) -> Experiment:
    """Build all of a page that needs no data.

    Seeds torch, NumPy and random first, since the model's first weights are drawn here.

    Raises:
        ConfigError: with every problem of the page: names, keys, types, values, and values that
            disagree with one another.
    """
    for module in (*ROOMS, *page.get("custom_imports", ())):
        try:
            importlib.import_module(module)
        except (ImportError, ValueError, TypeError) as error:  # '' and '.x' are no names
            if module in ROOMS:
                raise
            raise ConfigError(f"custom_imports: cannot import '{module}' ({error})") from error
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
        wrong = misfits(name, made)
        problems.extend(wrong)
        return None if wrong else made

    data = dict(page.get("data", {}))
    splits = {split: data.pop(split, None) for split in SPLITS}
    settings = part("runner", {**page.get("runner", {}), "type": "RunSettings"})
    seed_everything(settings.seed if settings else 0)
    meta = part("keypoints")
    model = part("model", keypoints=meta) if meta else None
    if meta is None and "model" in page:
        problems += check(page["model"], "model", keypoints=None)
    pipelines = {"train": part("train_pipeline"), "test": part("test_pipeline")}
    metrics = part("metrics")
    part("optimizer", params=[torch.nn.Parameter(torch.zeros(1))])
    schedule = part("schedule")
    data_settings = part("data", {**data, "type": "DataSettings"})
    for split, cfg in splits.items():
        if cfg is None:
            problems.append(f"data.{split}: the page does not say it")
        else:
            problems += check(cfg, f"data.{split}", keypoints=meta, pipeline=[])
    if meta and not problems:
        problems += _pipeline_problems(splits, pipelines, meta)
    if model and pipelines["train"] and pipelines["test"]:
        problems += _disagreements(page, model, pipelines)
    if meta and metrics and settings:
        problems += _metric_problems(metrics, meta, settings)
    if problems or model is None:
        raise ConfigError(list(dict.fromkeys(problems)))
    return Experiment(page, meta, model, pipelines, metrics, schedule, settings, data_settings)


def _disagreements(
    page: dict[str, Any], model: TopDown, pipelines: dict[str, list[Any]]
) -> list[str]:
    """Values of one part that do not fit those of another."""
    problems = []
    if "codec" in page and page["codec"] != page["model"].get("codec"):
        problems.append("model.codec: differs from the page's codec; write model.codec = '$codec'")
    codec = model.codec
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
            if getattr(transform, "udp", codec.udp) != codec.udp:
                problems.append(
                    f"{where}.udp: {transform.udp}, but {type(codec).__name__} needs "
                    f"crops warped with udp={codec.udp}"
                )
    return problems


def _pipeline_problems(
    splits: dict[str, Any], pipelines: dict[str, list[Any]], meta: KeypointMeta
) -> list[str]:
    """Transforms that miss what they need, for the records of the data sets that use them."""
    from hrpose.datasets.base import check_pipeline

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
    metrics: Sequence[Any], meta: KeypointMeta, settings: RunSettings
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


def seed_everything(seed: int) -> None:
    """Seed the generators of torch, NumPy and random (the data sets have their own)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - for custom code of users
    torch.manual_seed(seed)
