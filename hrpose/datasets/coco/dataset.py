"""Animals from COCO keypoint files and folders of images: one class for every data set.

Legend: N animals, K keypoints, W, H width and height of an image in px.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.datasets.coco.columns import read_columns
from hrpose.datasets.coco.entry import AreaFrom, BoxFrom, CleanUp
from hrpose.datasets.coco.file import read_coco
from hrpose.datasets.coco.names import image_path
from hrpose.datasets.coco.rows import animals_of, read_detections, used_categories
from hrpose.datasets.faults.fault import Place
from hrpose.datasets.faults.labels import faults_of
from hrpose.datasets.faults.table import label_table
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
        file = read_coco(paths, file_names)
        for folder in () if labels_only else folders:
            check_folder(folder, "image folder")
        category_ids = used_categories(file, keypoints, category)
        columns = read_columns(file, keypoints, category_ids, box, area)
        rows, self._coco_annotations, self.left_out = animals_of(columns, box_clean_up, area)
        self._file, self._folders = file, folders
        table = label_table(columns, keypoints)
        self.faults = faults_of(table, file, category_ids, self.left_out, max_left_out)
        made_from: list[object] = [*file.digests, file_names, box_clean_up, category]
        made_from += [name for name in (box, area) if name != "file"]
        made_from += ["frame"] if crop == "frame" else []
        if box_file is not None:
            rows, digest, unused = read_detections(
                Path(root, box_file), file, keypoints, category_ids, box_score_thr
            )
            self.left_out += unused
            made_from += [digest, box_score_thr]
        self._digest = hashlib.sha256(repr(made_from).encode()).hexdigest()
        self._categories = [file.categories[category_id] for category_id in category_ids]
        self.source = ", ".join(map(str, paths))
        file.annotations.contents = {}  # of what is odd, which nobody asks for now
        self._rows = columns.rows[rows.places] if box_file is None else None
        self._boxes, self._animals = rows.boxes, rows.instances()
        if not len(self._boxes):
            raise DataError(f"{self.source}: no animal can be used\n{self.summary()}")
        if crop == "frame" and not labels_only:
            self._boxes = self._whole_frames()

    def __len__(self) -> int:
        return len(self._boxes)

    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """As annotated, every epoch the same; the box is float64, not rounded."""
        rows = self._animals
        image = self._file.images.row(int(rows.image_ids[index]))
        return {
            "image_path": self._path(image),
            "image_size": self._file.images.size(image),
            "box": self._boxes[index],
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
        frames = np.zeros_like(self._boxes)
        for index, image_id in enumerate(self._animals.image_ids.tolist()):
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
        return self._animals

    def coco(self) -> dict[str, Any]:
        """The ground truth of the categories used; ids as in the file wherever COCO allows them."""
        return self._coco

    @cached_property
    def _coco(self) -> dict[str, Any]:
        images = list(self._file.images.values())
        for image in images:
            del image["file"]
        annotations = self._coco_annotations.objects()
        return {"images": images, "annotations": annotations, "categories": self._categories}

    def describe(self, index: int) -> str:
        """The annotation, with its id as in the file."""
        if self._rows is None:
            return f"a detection on image {self._animals.image_ids[index]} of {self.source}"
        entry = self._file.entry(int(self._rows[index]))
        return f"annotation {entry.name} of {entry.path}"

    def place(self, index: int) -> Place:
        """Ids as in the file, and the image."""
        images = self._file.images
        row = images.row(int(self._animals.image_ids[index]))
        name = None if self._rows is None else self._file.entry(int(self._rows[index])).name
        return Place(images.source_id(row), name, images.name(row))

    def image_file(self, image_id: int) -> str:
        """Where an image of `coco` is to be read."""
        return self._path(self._file.images.row(image_id))

    def _path(self, image: int) -> str:
        """Of the image of a row."""
        images = self._file.images
        return image_path(self._folders[images.file(image)], images.name(image))

    def digest(self) -> str:
        """SHA-256 of the annotation files, the box file and what was chosen from them."""
        return self._digest

    def about(self) -> str:
        """How many animals from which files; which were left out and why."""
        text = super().about() + f"\nfrom {self.source}"
        return "\n".join([text, *self._file.notes])


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
