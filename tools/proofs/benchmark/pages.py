"""From a page and its variants to experiments whose data sets the benchmark chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from hrpose import config
from hrpose.datasets.base import PoseDataset
from hrpose.engine.experiment import Experiment
from hrpose.errors import RunError

Page = dict[str, Any]

_NO_WEIGHTS = ("pretrained=None", "load_from=None")
"""What the weights are changes no speed."""


@dataclass(frozen=True)
class Variant:
    """Further changes of the page, under a name."""

    name: str
    changes: tuple[str, ...] = ()


def read_variants(given: Sequence[Sequence[str]]) -> list[Variant]:
    """The page as it is, under the name 'page', then each NAME KEY=VALUE ... of the command line.

    Raises:
        RunError: a variant without changes, or a name given twice.
    """
    variants = [Variant("page")]
    for name, *changes in given:
        if not changes or "=" in name:
            raise RunError(
                f"--variant {' '.join([name, *changes])}: expected a name and changes of the "
                "page, e.g. --variant bf16 runner.precision=bf16"
            )
        if name in [variant.name for variant in variants]:
            raise RunError(f"--variant {name}: the name is taken; choose another one")
        variants.append(Variant(name, tuple(changes)))
    return variants


def load(path: str, changes: Sequence[str]) -> Page:
    """The page with `changes`, and without weights to load."""
    return config.load(path, [*changes, *_NO_WEIGHTS])


def without_validation(page: Page) -> Page:
    """`page` as it trains with --no-validate."""
    return {**page, "runner": {**page["runner"], "val_interval": 0}}


def without_workers(page: Page) -> Page:
    """`page` with a loader in the process itself: none stays behind, beside what is timed."""
    return {**page, "data": {**page["data"], "workers": 0}}


@dataclass
class Supplied(Experiment):
    """An experiment whose data sets `supply` gives, from a split and the pipeline for it."""

    supply: Callable[[str, list[Any]], PoseDataset]

    def dataset(self, split: str, labels_only: bool = False) -> PoseDataset:
        """What `supply` gives."""
        dataset = self.supply(split, self.pipelines["train" if split == "train" else "test"])
        dataset.seed = self.settings.seed
        return dataset


def supplied(experiment: Experiment, supply: Callable[[str, list[Any]], PoseDataset]) -> Experiment:
    """`experiment` with other data sets."""
    parts = {part.name: getattr(experiment, part.name) for part in fields(experiment)}
    return Supplied(**parts, supply=supply)
