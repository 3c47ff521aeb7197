"""AP-10K as it is published: annotations/ap10k-{train,val,test}-split{1,2,3}.json and data/.

https://github.com/AlexTheBad/AP-10K
"""

from __future__ import annotations

import re
from pathlib import Path

from hrpose.convert.find import ImageFinder
from hrpose.convert.foreign_coco import ForeignCoco
from hrpose.convert.formats import ReadOptions, not_it
from hrpose.convert.label_set import LabelSet
from hrpose.convert.official.joined import joined
from hrpose.convert.official.names import AP10K

_EXPECTED = "AP-10K's ap10k-train-split1.json and so on"
_ADVICE = "unpack the ap-10k archive and name its folder"
_NAME = re.compile(r"ap10k-(train|val|test)-split[123]\.json")
_OFFICIAL = (
    *("left_eye", "right_eye", "nose", "neck", "root_of_tail"),
    *("left_shoulder", "left_elbow", "left_front_paw"),
    *("right_shoulder", "right_elbow", "right_front_paw"),
    *("left_hip", "left_knee", "left_back_paw", "right_hip", "right_knee", "right_back_paw"),
)
"""The keypoints as the files call them, in the order of ours."""


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of all the files in the folder `source`, each a part.

    Raises:
        DataError: it is not that release, or images are missing.
    """
    paths = sorted(path for path in source.rglob("ap10k-*.json") if _NAME.fullmatch(path.name))
    if not paths:
        raise not_it(source, "no such file", _EXPECTED, _ADVICE)
    finder = ImageFinder([options.images or source])
    sets = {}
    for path in paths:
        file = ForeignCoco(path, _EXPECTED, _ADVICE, AP10K, _OFFICIAL)
        sets[path.stem] = file.labels(finder, group_of=file.file_name)
    labels = joined(sets)
    labels.image_folder = "data"
    return labels
