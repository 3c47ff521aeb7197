"""From a page to a picture or an HTML page of its samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hrpose.browse import choice, views
from hrpose.browse.views import View
from hrpose.codecs import Codec
from hrpose.config import Page
from hrpose.config.registry import build
from hrpose.datasets.base import PoseDataset
from hrpose.engine.experiment import read_dataset
from hrpose.errors import ConfigError, DataError

EPOCHS = 2
"""How often an animal that training changes at random is shown."""


@dataclass(frozen=True)
class BrowseRequest:
    """What is to be looked at.

    Args:
        split: 'train', 'val' or 'test'.
        ids: annotation ids, or file names; without, `count` animals drawn with `seed`.
        transformed: also what the network gets, as often as `EPOCHS` in training.
        heatmaps: also its targets.
    """

    page: Page
    split: str
    count: int
    seed: int
    ids: tuple[str, ...]
    transformed: bool
    heatmaps: bool


@dataclass(frozen=True)
class Card:
    """One animal: what it is called, and its views, or why there are none."""

    title: str
    views: list[View]
    problem: str = ""


@dataclass(frozen=True)
class Look:
    """What was chosen of a data set; the cards are drawn when they are asked for."""

    dataset: PoseDataset
    indices: list[int]
    request: BrowseRequest

    @property
    def title(self) -> str:
        """Which animals these are."""
        count = f"{len(self.indices)} of {len(self.dataset)} animals"
        return f"{count} of {self.request.split}: {self.dataset.meta.dataset}"

    @property
    def epochs(self) -> int:
        """How often each animal is shown as the network gets it."""
        wanted = self.request.transformed or self.request.heatmaps
        return (EPOCHS if self.dataset.is_random else 1) if wanted else 0

    @property
    def views_each(self) -> int:
        """How many pictures an animal has."""
        return 2 + self.epochs * (2 if self.request.heatmaps else 1)

    def cards(self, height: int) -> Iterator[Card]:
        """The chosen animals one by one, their pictures `height` px high."""
        targets = views.Targets(_codec(self.request.page)) if self.request.heatmaps else None
        for index in self.indices:
            record: dict[str, Any] = self.dataset.record(index, 0)
            try:
                found = views.annotated(record, self.dataset.meta, height)
                found += views.inputs(self.dataset, index, self.epochs, height, targets)
            except DataError as error:
                yield Card(title_of(self.dataset, index), [], str(error))
            else:
                yield Card(title_of(self.dataset, index), found)


def look(request: BrowseRequest) -> Look:
    """Read the data set and choose.

    Raises:
        ConfigError, DataError: there is no such data set, or it cannot be used.
    """
    page = request.page
    if not isinstance(page.get("data", {}).get(request.split), dict):
        raise ConfigError(f"data.{request.split}: the page does not say it")
    if not request.transformed:  # as testing cuts it: nothing at random
        page = {**page, "train_pipeline": page["test_pipeline"]}
    dataset = read_dataset(page, request.split)
    dataset.seed = page.get("runner", {}).get("seed", 0)
    if request.ids:
        indices = choice.find(dataset, request.ids)
    else:
        indices = choice.choose(dataset, request.count, request.seed)
    return Look(dataset, indices, request)


def _codec(page: Page) -> Codec:
    """The codec alone, whatever may be wrong with the rest of the model."""
    cfg = page.get("model", {}).get("codec")
    if not isinstance(cfg, dict):
        raise ConfigError("model.codec: the page does not say it, and it makes the targets")
    return build(cfg, "model.codec")


def title_of(dataset: PoseDataset, index: int) -> str:
    """File and annotation of an animal."""
    place = dataset.place(index)
    if not place.file_name:
        return dataset.describe(index)
    own = place.annotation_id is not None
    return f"{place.file_name}, " + (f"annotation {place.annotation_id}" if own else "a detection")
