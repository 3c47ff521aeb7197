"""What all data sets share: the random stream of each sample, bad images, a summary in words.

Legend: N animals, K keypoints; h, w height and width of the crop in px.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.datasets.cache.region import View, Window, window_of
from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.preflight.pipeline import check_pipeline
from hrpose.datasets.transforms import Drawn, Sample, Transform, Warp
from hrpose.errors import DataError, LoaderError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances, Labels

_SHIPPED = ("image", "keypoints", "visible", "matrix", "index")
_MAX_TRIES = 20
_HELD_BYTES = 2e6  # of decoded images that wait for the next step
_UNUSED = np.random.default_rng(0)  # for pipelines that draw nothing: making one takes 50 us


class PoseDataset(ABC):
    """Animals, one a sample, each behind a fixed index.

    A sample is a function of (`seed`, epoch, index): its transforms draw from a generator made of
    these three, so neither the number of workers nor that of processes changes it.

    A subclass gives `__len__`, `record`, `truth`, `coco`, `digest`, and may fill the public lists.

    Args:
        pipeline: the transforms, in order; the last to touch geometry is `Warp`.
        on_bad_image: what an unreadable image does. 'error': DataError. 'skip': where the pipeline
            draws random numbers (training) another animal takes its place, else the sample has no
            image and `collate` leaves it out; either way the message travels in `bad`.
        cache: keeps what is decoded, for the epochs to come.
    """

    record_keys: tuple[str, ...] = ("image_path", "box", "keypoints", "visible", "index")
    """What `record` gives; a data set that renders adds 'image'."""

    def __init__(
        self,
        keypoints: KeypointMeta,
        pipeline: Sequence[Transform],
        on_bad_image: Literal["error", "skip"] = "error",
        cache: ImageCache | None = None,
    ) -> None:
        check_pipeline(pipeline, keypoints, self.record_keys)
        self.meta = keypoints
        self.pipeline = tuple(pipeline)
        sizes = [step.size for step in self.pipeline if isinstance(step, Warp)]
        self._crop_size = sizes[0] if sizes else (0, 0)  # a user's own transform may cut instead
        self.is_random = any(transform.random for transform in self.pipeline)
        self.on_bad_image = on_bad_image
        self.cache = cache
        self._windows: dict[int, Window | None] = {}
        self.seed = 0
        self.left_out: list[tuple[Hashable, str]] = []
        self.faults: list[Fault] = []
        self.source = ""  # the annotation file or files, for a message

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """What a sample starts from: `record_keys`, with box (4,) float32 xywh image px, keypoints
        (K, 2) float32 image px, visible (K,) float32 0 or 1. The arrays are never written to.
        `image_size`, (W, H) px as annotated, may be added.
        """

    @abstractmethod
    def truth(self) -> Instances:
        """All animals of the data set; row i belongs to index i."""

    @abstractmethod
    def coco(self) -> dict[str, Any]:
        """The ground truth as a COCO dict, animals that were left out included."""

    def labels(self) -> Labels:
        """What predictions of this data set are compared with."""
        return Labels(self.truth(), self.coco(), self.meta)

    @abstractmethod
    def digest(self) -> str:
        """SHA-256, in hex, of all that decides which animals there are."""

    def describe(self, index: int) -> str:
        """Where sample `index` comes from, for a message."""
        return f"sample {index}"

    def place(self, index: int) -> Place:
        """Image and annotation of sample `index`."""
        truth = self.truth()
        return Place(int(truth.image_ids[index]), int(truth.annotation_ids[index]))

    def image_file(self, image_id: int) -> str:
        """Path of an image of `coco`; '' where it is drawn."""
        return ""

    def summary(self) -> str:
        """What there is, and each fault in a line."""
        return "\n".join([self.about(), *(str(one) for one in self.faults if one.in_summary)])

    def about(self) -> str:
        """How many animals there are, and which were left out and why."""
        lines = [f"{type(self).__name__} ({self.meta.dataset}): {len(self)} animals"]
        if self.left_out:
            parts = []
            for reason, count in Counter(reason for _, reason in self.left_out).most_common():
                ids = [str(name) for name, why in self.left_out if why == reason]
                named = ", ".join(ids[:5]) + (", ..." if count > 5 else "")
                parts.append(f"{count} {reason} (annotation {named})")
            lines.append(f"left out {len(self.left_out)}: " + "; ".join(parts))
        if self.cache is not None:
            lines.append(f"decoded images are kept in {self.cache}")
        return "\n".join(lines)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        """Sample of `key` = (epoch, index); a bare index means epoch 0.

        Returns: image (h, w, 3) uint8 RGB, keypoints (K, 2) float32 input px, visible (K,) float32,
        matrix (2, 3) float64 from image px to input px, index; and `bad`, a list of messages, where
        an image could not be read (index is then that of the animal which took the place).
        """
        epoch, index = (0, key) if isinstance(key, int | np.integer) else key
        (sample,) = self._samples([(epoch, index)], [None])
        return sample

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The samples of one batch, for a DataLoader.

        A DataError or LoaderError travels as the value of `error`: raised in a worker it would
        reach the user wrapped in that worker's traceback.
        """
        from hrpose.datasets.batch import Samples  # brings torch, which only training needs

        samples = Samples(len(keys), self._crop_size)
        try:
            samples += self._samples(keys, samples.rows)
            return samples
        except (DataError, LoaderError) as problem:
            return [{"error": problem}]

    def _samples(
        self, keys: Sequence[tuple[int, int]], rows: Sequence[np.ndarray | None]
    ) -> list[dict[str, Any]]:
        """The samples of `keys`, their crops cut into `rows`; bad images as `on_bad_image` says."""
        try:
            return self._run_pipeline(keys, rows)
        except DataError as problem:
            if len(keys) == 1:
                return [self._in_its_place(keys[0], rows[0], problem)]
        pairs = zip(keys, rows, strict=True)  # one of them is bad: each by itself
        return [sample for key, row in pairs for sample in self._samples([key], [row])]

    def _run_pipeline(
        self, keys: Sequence[tuple[int, int]], rows: Sequence[np.ndarray | None]
    ) -> list[dict[str, Any]]:
        """Step by step, for some samples together: code that has just run is quick to run again,
        but what it needs is gone from the processor's caches after an image was decoded.

        Raises:
            DataError: an image cannot be used.
        """
        done: list[Sample] = []
        held: list[Drawn] = []
        size = 0
        for (epoch, index), row in zip(keys, rows, strict=True):
            rng = np.random.default_rng((self.seed, epoch, index)) if self.is_random else _UNUSED
            held += self.pipeline[0].for_each([(self._record(epoch, index, row), rng)])
            image = held[-1][0].get("image")
            if image is not None and image.flags.writeable:  # else it is mapped from a cache
                size += image.nbytes
            if size > _HELD_BYTES:
                done += self._finish(held)
                held, size = [], 0
        return done + self._finish(held)

    def _finish(self, held: Sequence[Drawn]) -> list[dict[str, Any]]:
        """What becomes of samples behind the first step of the pipeline."""
        for transform in self.pipeline[1:]:
            held = transform.for_each(held)
        return [{key: sample[key] for key in _SHIPPED} for sample, _ in held]

    def _in_its_place(
        self, key: tuple[int, int], row: np.ndarray | None, problem: DataError
    ) -> dict[str, Any]:
        """What stands for the sample of `key`, whose image cannot be used because of `problem`."""
        epoch, index = key
        bad = [f"{problem} [{self.describe(index)}]"]
        if self.on_bad_image == "error":
            raise DataError(bad[0]) from None
        if not self.is_random:
            return {"bad": bad, "index": index}
        for attempt in range(1, _MAX_TRIES):
            stream = np.random.default_rng((self.seed, epoch, index, attempt))
            other = int(stream.integers(len(self)))
            try:
                (sample,) = self._run_pipeline([(epoch, other)], [row])
                return {**sample, "bad": bad}
            except DataError as error:
                bad.append(f"{error} [{self.describe(other)}]")
        raise DataError(f"{_MAX_TRIES} images in a row cannot be used, the last: {bad[-1]}")

    def _record(self, epoch: int, index: int, row: np.ndarray | None) -> Sample:
        """What the pipeline starts from."""
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        sample: Sample = {"image_size": None, "region": None, "meta": self.meta, "out": row}
        sample.update(self.record(index, epoch))
        if self.cache is not None and "image" not in sample:
            if index not in self._windows:  # should it change, `Warp` sees that, and reads the file
                self._windows[index] = wanted_window(self.pipeline, sample)
            sample["region"] = self.cache.load(sample["image_path"], self._windows[index])
        return sample


def wanted_window(pipeline: Sequence[Transform], record: Sample) -> Window | None:
    """The part of a photograph that holds all crops which `pipeline` may cut for `record`; None
    where that is nearly all of it, or not known.
    """
    views: list[View] = []
    for transform in pipeline:
        planned = transform.reach(views, record)
        if planned is None or record["image_size"] is None:
            return None
        views = planned
        if "matrix" in transform.adds:
            break
    return window_of(views, record["image_size"])
