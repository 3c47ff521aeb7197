"""Animals from COCO keypoint files and folders of images: one class for every data set.

Legend: N animals, K keypoints, W, H width and height of an image in px.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.datasets.coco.entry import AreaFrom, BoxFrom, CleanUp
from hrpose.datasets.coco.labels import Choice, labels_of
from hrpose.datasets.coco.names import image_path
from hrpose.datasets.faults.fault import Place
from hrpose.datasets.transforms import Transform
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.processes.collector import collector_still
from hrpose.storage.json_file import check_folder
from hrpose.structures import Instances


@register
class CocoPoseDataset(PoseDataset):
    """The annotations of COCO keypoint files that can be used; the rest is in `left_out`.

    Args:
        ann_file: annotation file, relative to `root` as all paths here; or several, read as one.
        img_root: folder that the file names in `ann_file` start from; one for all, or one each.
        file_names: take only images whose file name fits this pattern, such as 'barn-*.jpg'.
        box_file: a detector's boxes (COCO results: image_id, category_id, bbox, score) to take the
            place of the annotated ones, for testing; these animals have no keypoints.
        box_score_thr: least score of such a box.
        box_clean_up: 'none' takes boxes as they are. 'mmpose' does what MMPose 0.14 does for
            COCO-like data sets: clips them to the image, makes them 1 px narrower and lower, and
            leaves out animals of area 0. 'mmpose-1.x' clips them to the image and no more.
        box: 'keypoints' makes boxes of the labelled keypoints, with a margin; 'file' takes the
            annotated ones.
        area: what OKS measures by. 'box' takes the area of the box; 'file' what is annotated, and
            that of the box where there is none.
        max_left_out: the share of the animals that may be left out before training is refused.
        category: name of the one category to use; all of them by default.
        crop: what is cut out around an animal: its 'box', or the whole 'frame', as where nothing is
            known of a box; `hrpose predict --bbox full` shows the network the same. Metrics that
            are normalised by the box go by the animal's own all the same.
        labels_only: the images need not be there; for scoring what was predicted elsewhere.
        cache: decoded images are kept in it, so that each is read once and not in every epoch.

    Raises:
        DataError: a file or folder is missing or broken, or does not fit `keypoints`.
    """

    @collector_still()
    def __init__(
        self,
        ann_file: str | Sequence[str],
        img_root: str | Sequence[str],
        keypoints: KeypointMeta,
        pipeline: Sequence[Transform],
        root: str = "",
        file_names: str | None = None,
        box_file: str | None = None,
        box_score_thr: float = 0.0,
        box_clean_up: CleanUp = "none",
        box: BoxFrom = "file",
        area: AreaFrom = "file",
        max_left_out: float = 0.05,
        on_bad_image: Literal["error", "skip"] = "error",
        category: str | None = None,
        labels_only: bool = False,
        cache: ImageCache | None = None,
        crop: Literal["box", "frame"] = "box",
    ) -> None:
        super().__init__(keypoints, pipeline, on_bad_image, cache)
        paths, folders = _pair_up(ann_file, img_root, Path(root))
        if box_file is not None and (len(paths) > 1 or crop == "frame"):
            told = f"one ann_file, not with {len(paths)}, and with crop='box', not {crop!r}"
            raise ValueError(f"box_file: goes with {told}")
        _check_shares(box_score_thr, max_left_out)
        if not labels_only and any(Path(root) in path.parents for path in (*paths, *folders)):
            check_folder(Path(root), "data root")  # not where all paths are absolute ones elsewhere
        self.source = ", ".join(map(str, paths))
        choice = Choice(
            paths, () if labels_only else folders, keypoints, file_names, category, box, area,
            box_clean_up, max_left_out, None if box_file is None else Path(root, box_file),
            box_score_thr, crop,
        )  # fmt: skip
        self._labels, self._folders = labels_of(self, choice), folders
        self.left_out, self.faults = self._labels.left_out, self._labels.faults
        self._frames: np.ndarray | None = None
        if not len(self):
            raise DataError(f"{self.source}: no animal can be used\n{self.summary()}")
        if crop == "frame" and not labels_only:
            self._frames = self._whole_frames()

    def __len__(self) -> int:
        return len(self._labels.boxes)

    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """As annotated, every epoch the same; the box is float64, not rounded."""
        rows, images = self._labels.animals, self._labels.file.images
        image = images.row(int(rows.image_ids[index]))
        return {
            "image_path": self._path(image),
            "image_size": images.size(image),
            "box": (self._labels.boxes if self._frames is None else self._frames)[index],
            "keypoints": rows.keypoints[index],
            "visible": rows.visible[index],
            "index": index,
        }

    def _whole_frames(self) -> np.ndarray:
        """The whole image of each animal as its box (N, 4) float64.

        Raises:
            DataError: an image has no size in the file, or more than one animal, which cannot be
                told apart in the whole of it.
        """
        first: dict[int, int] = {}
        frames = np.zeros_like(self._labels.boxes)
        for index, image_id in enumerate(self._labels.animals.image_ids.tolist()):
            size = self.record(index, 0)["image_size"]
            if size is None:
                raise DataError(
                    f"{self.describe(index)}: its image has no width and height, which "
                    "crop='frame' needs; add them"
                )
            if image_id in first:
                raise DataError(
                    f"{self.describe(first[image_id])} and {self.describe(index)} are on one "
                    "image: in the whole frame (crop='frame') a network cannot know which is "
                    "meant; use crop='box'"
                )
            first[image_id] = index
            frames[index, 2:] = size
        return frames

    def truth(self) -> Instances:
        """All animals, in the order of the images in the files."""
        return self._labels.animals

    def coco(self) -> dict[str, Any]:
        """The ground truth of the categories used; ids as in the file wherever COCO allows them."""
        return self._coco

    @cached_property
    def _coco(self) -> dict[str, Any]:
        images = list(self._labels.file.images.values())
        for image in images:
            del image["file"]
        annotations = self._labels.annotations.objects()
        return {"images": images, "annotations": annotations, "categories": self._labels.categories}

    def describe(self, index: int) -> str:
        """The annotation, with its id as in the file."""
        labels = self._labels
        if labels.rows is None:
            return f"a detection on image {labels.animals.image_ids[index]} of {self.source}"
        entry = labels.file.entry(int(labels.rows[index]))
        return f"annotation {entry.name} of {entry.path}"

    def place(self, index: int) -> Place:
        """Ids as in the file, and the image."""
        labels, images = self._labels, self._labels.file.images
        row = images.row(int(labels.animals.image_ids[index]))
        name = None if labels.rows is None else labels.file.entry(int(labels.rows[index])).name
        return Place(images.source_id(row), name, images.name(row))

    def image_file(self, image_id: int) -> str:
        """Where an image of `coco` is to be read."""
        return self._path(self._labels.file.images.row(image_id))

    def _path(self, image: int) -> str:
        """Of the image of a row."""
        images = self._labels.file.images
        return image_path(self._folders[images.file(image)], images.name(image))

    def digest(self) -> str:
        """SHA-256 of the annotation files, the box file and what was chosen from them."""
        return self._labels.digest

    def about(self) -> str:
        """How many animals from which files; which were left out and why."""
        text = super().about() + f"\nfrom {self.source}"
        return "\n".join([text, *self._labels.file.notes])


def _check_shares(box_score_thr: float, max_left_out: float) -> None:
    if not box_score_thr >= 0:
        raise ValueError(f"box_score_thr {box_score_thr}: must be 0 or more")
    if not 0 <= max_left_out <= 1:
        raise ValueError(f"max_left_out {max_left_out}: expected a share from 0 to 1")


def _pair_up(
    ann_file: str | Sequence[str], img_root: str | Sequence[str], root: Path
) -> tuple[list[Path], list[Path]]:
    """Paths of the annotation files, and of the image folder of each."""
    files = [ann_file] if isinstance(ann_file, str) else list(ann_file)
    folders = [img_root] * len(files) if isinstance(img_root, str) else list(img_root)
    if not files or len(files) != len(folders):
        raise ValueError(
            f"img_root: {len(folders)} folders for {len(files)} files of ann_file; give one for "
            "all, or one each"
        )
    return [root / name for name in files], [root / name for name in folders]
