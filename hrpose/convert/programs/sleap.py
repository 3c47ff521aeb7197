"""SLEAP's labels: .slp, whose images are in videos beside it, or .pkg.slp, which holds its images.

sleap-io reads the file; frames of videos are counted by decoding them in order, as everywhere here.
A point that SLEAP shows as not visible has no label: its place is the template's. Suggestions are
not labels; predicted instances are left out unless asked for. SLEAP's coordinates have pixel
centres at integers, as ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np

from hrpose.convert.formats import ReadOptions, not_it
from hrpose.convert.images import size_of
from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.errors import DataError
from hrpose.storage.plain_hdf5 import MAGIC
from hrpose.video.frames import VideoFrame
from hrpose.video.reader import open_video

EXPECTED = "SLEAP's labels (.slp or .pkg.slp)"
ADVICE = "in SLEAP choose File > Save, or Predict > Export Labels Package for one with its images"


def read(source: Path, options: ReadOptions) -> LabelSet:
    """All labels of the file `source`.

    Raises:
        DataError: it is no such file, or images or videos that it names are missing.
    """
    labels = _load(source)
    notes: list[str] = []
    skeletons = list(labels.skeletons)
    categories = [_category(skeleton, len(skeletons), options.category) for skeleton in skeletons]
    footage = _footage(labels, source, options)
    images: list[LabelledImage] = []
    animals: list[LabelledAnimal] = []
    left_out = 0
    for frame in _in_order(labels):
        instances = [one for one in frame.instances if options.predicted or not _predicted(one)]
        left_out += len(frame.instances) - len(instances)
        found = [_animal(one, len(images), skeletons) for one in instances]
        found = [animal for animal in found if np.isfinite(animal.keypoints).any()]
        if found:
            images.append(footage[labels.videos.index(frame.video)].image(frame.frame_idx))
            animals += found
    if left_out:
        notes.append(f"{left_out} predicted instances are left out (--predicted takes them)")
    if not animals:
        raise not_it(source, f"no labelled instance ({left_out} predicted)", EXPECTED, ADVICE)
    about = {
        "skeletons": [skeleton.name for skeleton in skeletons],
        "tracks": [track.name for track in labels.tracks],
        "videos": [{"group": one.stem, "filename": one.filename} for one in footage],
    }
    return LabelSet(categories, images, animals, [source], notes=notes, about=about)


def _load(source: Path) -> Any:
    import sleap_io

    if source.is_dir():
        raise not_it(source, "a folder", EXPECTED, "name the .slp in it")
    with source.open("rb") as file:
        first = file.read(len(MAGIC))
    if first != MAGIC:
        raise not_it(source, "no HDF5 file", EXPECTED, ADVICE)
    try:
        labels = sleap_io.load_slp(str(source), open_videos=True)
    except Exception as error:  # of many kinds: h5py's, json's, sleap-io's own
        what = "an analysis file" if source.name.endswith(".analysis.h5") else "another HDF5 file"
        said = str(error).partition("\n")[0]
        raise not_it(source, f"{what} (sleap-io: {said})", EXPECTED, ADVICE) from None
    if not labels.skeletons:
        raise not_it(source, "no skeleton", EXPECTED, ADVICE)
    return labels


def _in_order(labels: Any) -> Iterator[Any]:
    """The labelled frames, video by video, each from its first frame on."""
    frames = sorted(labels.labeled_frames, key=lambda one: one.frame_idx)
    for video in labels.videos:
        yield from (frame for frame in frames if frame.video is video)


def _category(skeleton: Any, count: int, name: str) -> Category:
    names = [node.name for node in skeleton.nodes]
    pairs = []
    for symmetry in skeleton.symmetries:
        pair = sorted((node.name for node in symmetry.nodes), key=names.index)
        pairs.append((pair[0], pair[1]))
    edges = [(str(start), str(end)) for start, end in skeleton.edge_names]
    return Category(name if count == 1 else str(skeleton.name), names, edges, pairs)


def _predicted(instance: Any) -> bool:
    return hasattr(instance, "score")


def _animal(instance: Any, image: int, skeletons: list[Any]) -> LabelledAnimal:
    points = np.asarray(instance.numpy(), np.float64)[:, :2]
    there = np.isfinite(points).all(axis=1)
    return LabelledAnimal(
        image,
        skeletons.index(instance.skeleton),
        points,
        np.where(there, 2, 0),
        individual=None if instance.track is None else instance.track.name,
        scores=np.asarray(instance.points["score"]) if _predicted(instance) else None,
    )


def _footage(labels: Any, source: Path, options: ReadOptions) -> list[_Footage]:
    """Each video, under a name of its own."""
    found: list[_Footage] = []
    for video in labels.videos:
        origin = video if video.source_video is None else video.source_video
        filename = origin.filename
        first = filename if isinstance(filename, str) else filename[0]
        path = PureWindowsPath(first)
        stem = path.stem if isinstance(filename, str) else path.parent.name or "images"
        if any(one.stem == stem for one in found):
            stem = f"{stem}-{len(found)}"
        found.append(_Footage(video, filename, stem, source, options.images))
    return found


class _Footage:
    """A video of a SLEAP file: within the file, in a video file, or single images.

    Args:
        filename: what the file calls it: a path, or one of each image.
        stem: name of the folder that its images go to.
        given: folder in which to look for it; else beside `source`.
    """

    def __init__(
        self, video: Any, filename: str | list[str], stem: str, source: Path, given: Path | None
    ) -> None:
        self.filename, self.stem = filename, stem
        self._video, self._source = video, source
        self._folders = [given] if given else [source.parent]
        self._frames: Iterator[VideoFrame] = iter(())
        self._at = -1
        self._size: tuple[int, int] | None = None
        self._embedded = type(video.backend).__name__ == "HDF5Video"

    def image(self, number: int) -> LabelledImage:
        """Its frame `number`."""
        if not self._embedded and not isinstance(self._video.filename, str):
            path = self._file(self._video.filename[number])
            name = f"{self.stem}/{path.name}"
            return LabelledImage(name, path, size_of(path), self.stem, number)
        size = self._size or self._measure(number)
        name = f"{self.stem}/img{number:06d}.png"
        return LabelledImage(name, lambda: self._png(number), size, self.stem, number)

    def _measure(self, number: int) -> tuple[int, int]:
        """Of all frames, as those of a video are; width and height in px."""
        image = self._pixels(number) if self._embedded else self._pixels(0)
        self._size = (image.shape[1], image.shape[0])
        return self._size

    def _png(self, number: int) -> bytes:
        image = self._pixels(number)
        if (image.shape[1], image.shape[0]) != self._size:
            raise DataError(f"{self._source}: frame {number} of {self.stem} has a size of its own")
        bgr = image[..., ::-1] if image.ndim == 3 and image.shape[-1] == 3 else image
        return cv2.imencode(".png", bgr)[1].tobytes()

    def _pixels(self, number: int) -> np.ndarray:
        """(H, W, 3) RGB, or (H, W, 1) grey."""
        if self._embedded:
            return np.asarray(self._video[number])
        if number <= self._at:
            self._frames, self._at = iter(()), -1
        if self._at < 0:
            self._frames = iter(open_video(self._file(str(self._video.filename))))
        for frame in self._frames:
            self._at = frame.number
            if frame.number == number:
                if frame.image is None:
                    break
                return frame.image
        raise DataError(
            f"{self._source}: frame {number} of {self._video.filename} is labelled, and cannot be "
            "read from the video; is it the same video?"
        )

    def _file(self, name: str) -> Path:
        """The file that the labels call `name`, where they say or in the folders to look in."""
        tail = PureWindowsPath(name).parts
        places = [Path(name), self._source.parent / name]
        places += [folder / Path(*tail[-deep:]) for folder in self._folders for deep in (3, 2, 1)]
        for path in places:
            if path.is_file():
                return path
        raise DataError(
            f"{self._source}: {name}, which it has labels of, is not there; name the folder that "
            "holds it with --images, or export a package with its images (.pkg.slp)"
        )
