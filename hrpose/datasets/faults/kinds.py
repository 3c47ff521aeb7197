"""Every kind of fault that is looked for: how bad it is, and what to do. docs/checks.md shows it.

What can be right is no error. What has no record of its own (`refused`) is a DataError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hrpose.datasets.faults.fault import Fault, Place, Severity


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Args:
        severity: see `Severity`; 'refused' where nothing can be read before it is mended.
        title: what it is, in a few words.
        todo: what to do.
        who: the commands that look for it.
    """

    severity: Severity | Literal["refused"]
    title: str
    todo: str
    who: str = "check, train, test, evaluate"


_MAKE_BOXES = "box='keypoints' of the data set makes boxes of the keypoints"

KINDS: dict[str, Kind] = {
    # ---- the file
    "format": Kind(
        "refused", "XML, JSON lines, a table or an archive instead of JSON",
        "export COCO keypoints from the program that wrote it, or turn it into COCO with "
        "`hrpose convert`",
    ),
    "category": Kind(
        "refused", "`category_id` null, a string, or not among the categories",
        "give the annotation the id of its category",
    ),
    "no-id": Kind(
        "note", "annotation without `id`",
        "nothing, where their order stays: they are counted from 1; to find them in results, give "
        "each an id",
    ),
    "ids": Kind(
        "note", "ids that are strings, large numbers or file names",
        "nothing: predictions carry them as they are",
    ),
    "same-ids": Kind(
        "note", "annotation ids that occur twice",
        "give each its own: results carry the numbers counted here, not those of the file",
    ),
    "zero-ids": Kind(
        "note", "ids from 0",
        "nothing for hrpose; COCO's own evaluator counts the animal 0 as never found: count from 1 "
        "for others",
    ),
    "placeholder": Kind(
        "note", "category without keypoints that no annotation has",
        "nothing: it is left aside; in Roboflow's exports it is the name of the project",
    ),
    "backslashes": Kind(
        "note", "file names with backslashes",
        "nothing, where the images are found; write '/' in the file for other programs",
    ),
    "image-twice": Kind(
        "note", "one image file under several image ids",
        "give all animals of an image one image_id, else each is a false alarm for the other in AP",
    ),
    # ---- numbers of all animals
    "fractions": Kind(
        "error", "keypoints or boxes as fractions of the image, 0 to 1",
        "multiply x and widths by the width of the image, y and heights by its height",
    ),
    "box-relative": Kind(
        "error", "keypoints from the corner of the box, not of the image",
        "add x and y of the box to those of each labelled keypoint",
    ),
    "other-size": Kind(
        "error", "labels of another size than the images, e.g. doubled",
        "scale keypoints and boxes to the images, or take the images that were labelled",
    ),
    "tiny-boxes": Kind(
        "error", "boxes of 1 x 1 px or the like, keypoints all around them",
        f"write the boxes as x, y, width, height in px; or {_MAKE_BOXES}",
    ),
    "corner-boxes": Kind(
        "warning", "boxes as x1, y1, x2, y2",
        f"write x, y, width, height; or {_MAKE_BOXES}",
    ),
    "area": Kind(
        "warning", "`area` that does not go with the box: 0 or 1 for all, or many times the box",
        "OKS divides by it, so AP is wrong: set area='box' of the data set, here and for testing",
    ),
    "left-out": Kind(
        "error", "more than 5% of the animals left out",
        "mend the annotations; or set max_left_out of the data set, if that many are to go",
    ),
    "bare": Kind(
        "warning", "more than 5% of the animals without a labelled keypoint",
        "nothing, where they were not labelled on purpose; they do not train",
    ),
    "all-hidden": Kind(
        "warning", "coordinates with v = 0, which counts as not labelled",
        "set v to 2 (or 1 where hidden) if these are labels",
    ),
    "never-labelled": Kind(
        "warning", "a keypoint that no animal has",
        "see whether names and order of the page's keypoints are those of the file",
    ),
    # ---- one animal
    "outside-box": Kind(
        "warning", "points of an animal outside its box",
        f"see whether box and keypoints are of the same animal and frame; or {_MAKE_BOXES}",
    ),
    "flat-box": Kind(
        "warning", "a box without width or height, as of points on one line",
        f"{_MAKE_BOXES}, with a margin",
    ),
    "one-area": Kind(
        "warning", "an `area` that does not go with the box, of an animal alone: 0, 1, or the like",
        "write the area in px, or take it out, and that of the box is taken: OKS divides by it, so "
        "an animal of area 0 is never found",
    ),
    "swapped": Kind(
        "warning", "left and right swapped for most of an animal",
        "look at the picture; exchange left and right of this animal if they are",
        "check",
    ),
    "animal-twice": Kind(
        "warning", "an animal that stands there twice, box and keypoints alike",
        "remove one: the other can only be a false alarm in AP",
    ),
    "outside-image": Kind(
        "note", "a labelled keypoint outside the image",
        "nothing, where the animal is cut by the border",
    ),
    "corner-points": Kind(
        "note", "a labelled keypoint at exactly (0, 0)",
        "set v to 0, if it is not there",
    ),
    "visibility": Kind(
        "note", "v other than 0, 1 or 2",
        "write 0, 1 or 2; above 0 counts as labelled",
    ),
    "miscounted": Kind(
        "note", "`num_keypoints` is not how many v are above 0",
        "nothing: they are counted anew",
    ),
    "no-area": Kind(
        "note", "no `area` of 0 or more",
        "nothing: that of the box is taken",
    ),
    "iscrowd": Kind(
        "note", "`iscrowd` NaN, null or a string",
        "write 0 or 1; what is not 1 is taken as 0",
    ),
    "norm": Kind(
        "warning", "PCK or NME divide by a pair of keypoints that animals do not have",
        "take missing='mmpose-2021' from the metric, so that they do not count; that rule is for "
        "comparing with the published Horse-10 table",
        "check, test, evaluate",
    ),
    # ---- several data sets, and the page
    "same-pixels": Kind(
        "error", "the same picture in two splits",
        "leave it in one of them: what is measured on a picture that was trained on says nothing",
        "check",
    ),
    "same-file": Kind(
        "warning", "one annotation file, or one image, in training and in another split",
        "split it; `hrpose convert` keeps a video in one split",
        "check, train",
    ),
    "val-is-test": Kind(
        "note", "validation and test on the same images",
        "nothing, if meant so: but the best epoch was then chosen on the test set",
        "check",
    ),
    "unpaired": Kind(
        "refused", "sided names without a pair, while pictures are mirrored",
        "name the pair in keypoints.flip_pairs; or take RandomFlip from train_pipeline and set "
        "model.flip_test=False",
        "check, train",
    ),
}  # fmt: skip


def fault(kind: str, what: str, file: str, places: Iterable[Place] = ()) -> Fault:
    """A fault of `kind`, with the severity and the advice of all of its kind."""
    known = KINDS[kind]
    severity: Severity = "error" if known.severity == "refused" else known.severity
    return Fault(kind, severity, what, known.todo, file, tuple(places))
