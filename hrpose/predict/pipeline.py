"""From frames to what is found in them, in full batches, while the next ones are read.

A reader thread decodes, looks up boxes and cuts crops; one batch is in flight on the device; the
caller writes what came back. How batches are put together depends on the frames alone, so that a
run which goes on after an interruption hands the network the same batches and gets the same digits.

Legend: B crops of a batch, N animals, K keypoints.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hrpose.predict.crops import Cropper
from hrpose.predict.frames import NOWHERE, Boxes, Found, Frame
from hrpose.predict.loop import Answer, Estimate, predict
from hrpose.processes.threads import ahead

Look = Callable[[Frame], Boxes]
"""Says where to look in a frame that could be read; may set its note where there is no box."""
_AHEAD = 2  # batches that wait for the network
_FRAMES = 4  # at most so many times the batch size in frames, of which few have a box, make a batch


@dataclass
class _Batch:
    """Crops under way to the network, and the frames that begin in this batch."""

    crops: list[np.ndarray] = field(default_factory=list)
    matrices: list[np.ndarray] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    """The position of the frame that each crop is from."""
    frames: list[tuple[int, Frame, Boxes]] = field(default_factory=list)

    def shipped(self, done: int) -> dict[str, Any]:
        """As `loop.predict` takes it; without crops where all are of the first `done` frames."""
        wanted = any(position >= done for position in self.of)
        crops = np.stack(self.crops) if wanted else np.zeros((0, 1, 1, 3), np.uint8)
        matrices = np.stack(self.matrices) if wanted else np.zeros((0, 2, 3))
        of = self.of if wanted else []
        return {
            "images": crops.transpose(0, 3, 1, 2),
            "matrix": matrices,
            "index": np.arange(len(of)),
            "of": of,
            "frames": [entry for entry in self.frames if entry[0] >= done],
        }


@dataclass
class Pipeline:
    """A network and what stands before it.

    Args:
        animals: N.
        batch_size: B of all batches but the last.
    """

    cropper: Cropper
    estimate: Estimate
    animals: int = 1
    batch_size: int = 32

    def run(self, frames: Iterable[Frame], look: Look, done: int = 0) -> Iterator[Found]:
        """What is found in each of `frames`, in their order; the first `done` are passed over."""
        batches = ahead((batch.shipped(done) for batch in self._batches(frames, look)), _AHEAD)
        under_way: deque[dict[str, Any]] = deque()

        def remembered() -> Iterator[dict[str, Any]]:
            for batch in batches:
                under_way.append(batch)
                yield batch

        keypoints = len(self.cropper.meta)
        pending: deque[tuple[int, Frame, Boxes]] = deque()
        answers: deque[tuple[np.ndarray, np.ndarray]] = deque()
        try:
            for predictions in predict(remembered(), self._estimate):
                batch = under_way.popleft()
                pending.extend(batch["frames"])
                both = zip(predictions.keypoints, predictions.scores, strict=True)
                answers.extend(
                    answer for of, answer in zip(batch["of"], both, strict=True) if of >= done
                )
                while pending and len(pending[0][2]) <= len(answers):
                    _, frame, where = pending.popleft()
                    found = Found.nothing(frame, where, self.animals, keypoints)
                    for slot in where.slots:
                        found.keypoints[slot], found.scores[slot] = answers.popleft()
                    yield found
        finally:
            batches.close()  # type: ignore[attr-defined]

    def _batches(self, frames: Iterable[Frame], look: Look) -> Iterator[_Batch]:
        batch = _Batch()
        for position, frame in enumerate(frames):
            image = frame.image
            where = NOWHERE if image is None else look(frame)
            batch.frames.append((position, frame, where))
            for box in where.boxes:
                assert image is not None
                crop, matrix = self.cropper(image, box)
                batch.crops.append(crop)
                batch.matrices.append(matrix)
                batch.of.append(position)
                if len(batch.crops) == self.batch_size:
                    yield batch
                    batch = _Batch()
            frame.image = None  # the crops are all that is needed of it
            if len(batch.frames) >= _FRAMES * self.batch_size:
                yield batch
                batch = _Batch()
        if batch.frames or batch.crops:
            yield batch

    def _estimate(self, images: np.ndarray) -> Answer:
        if len(images):
            return self.estimate(images)
        count = len(self.cropper.meta)
        return lambda: (np.zeros((0, count, 2)), np.zeros((0, count), np.float32))
