"""All faults of the labels of one data set that can be told without its images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from hrpose.datasets.coco.file import CocoFile
from hrpose.datasets.coco.ids import names_of
from hrpose.datasets.faults import everywhere, single
from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.faults.table import LabelTable

SEVERITIES = ("error", "warning", "note")

CAUSES: list[Callable[[LabelTable], Iterator[Fault]]] = [
    everywhere.fractions,
    everywhere.keypoints_from_the_box,
    everywhere.tiny_boxes,
    everywhere.other_size,
    everywhere.corner_boxes,
]
"""What is wrong with all boxes or all keypoints; only then look at how they go together."""
SINGLE: list[Callable[[LabelTable], Iterator[Fault]]] = [
    everywhere.odd_areas,
    everywhere.all_hidden,
    everywhere.never_labelled,
    single.flat_boxes,
    single.twice,
    single.odd_points,
    single.odd_fields,
]
NOT_ANIMALS = ("of another category", "marked iscrowd")
BARE = ("without keypoints", "without a labelled keypoint")
SHARE = 0.05
"""Of the animals; where more are not labelled, it is said."""


def label_faults(table: LabelTable) -> list[Fault]:
    """The faults of `table`, what explains others first."""
    if not len(table):
        return []
    causes = [found for look in CAUSES for found in look(table)]
    if not causes:
        causes = list(single.outside_box(table))
    return [*causes, *(found for look in SINGLE for found in look(table))]


def left_out_faults(
    table: LabelTable, left_out: Sequence[tuple[Hashable, str]], most: float
) -> Iterator[Fault]:
    """Whether more than the share `most` of the animals were left out, and why."""
    wanted = {name for name, _ in left_out}
    names = table.names() if wanted else []
    rows = {name: row for row, name in enumerate(names) if name in wanted}
    told_bare = {name for name, row in rows.items() if table.told_none[row]}
    broken: list[tuple[Hashable, str]] = []
    bare: list[tuple[Hashable, str]] = []
    for name, reason in left_out:
        if reason not in NOT_ANIMALS:
            (bare if reason in BARE and name in told_bare else broken).append((name, reason))
    count = max(len(table), 1)
    if len(broken) > most * count:
        reasons = ", ".join(sorted({reason for _, reason in broken}))
        what = f"{len(broken)} of {count} animals are left out, more than {most:.0%}: {reasons}"
        where = [
            table.place(rows[name]) if name in rows else Place(None, name) for name, _ in broken
        ]
        yield fault("left-out", what, table.file, where)
    if len(bare) > SHARE * count:
        what = f"{len(bare)} of {count} animals have no labelled keypoint, and do not train"
        yield fault("bare", what, table.file, [table.place(rows[name]) for name, _ in bare])


def faults_of(
    table: LabelTable,
    file: CocoFile,
    category_ids: Sequence[int],
    left_out: Sequence[tuple[Hashable, str]],
    most_left_out: float,
) -> list[Fault]:
    """All faults of `file` that are told without its images, the worst first.

    Args:
        left_out: the annotations that are not used, each with the reason.
        most_left_out: the share of the animals that may be left out.
    """
    found = [*label_faults(table), *left_out_faults(table, left_out, most_left_out)]
    found += [*file.faults, *file_faults(file, category_ids)]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def file_faults(file: CocoFile, category_ids: Sequence[int]) -> Iterator[Fault]:
    """What is odd about ids, categories and names of files."""
    where = ", ".join(map(str, file.paths))
    ids = file.annotations.source_ids
    zero = [name for name in names_of(ids) if type(name) is int and name == 0]
    if zero:
        places = [Place(None, name) for name in zero]
        yield fault("zero-ids", "annotation ids from 0", where, places)
    for number, category in file.categories.items():
        name = category.get("name")
        if number not in category_ids and not category.get("keypoints"):
            what = f"category {name!r} (id {number}) has no keypoints and no annotation"
            yield fault("placeholder", what, where)
    images = file.images
    again = images.under_several_ids()
    if again:
        what = f"{len(again)} image files stand there under several ids"
        yield fault("image-twice", what, where, [Place(ids[1]) for ids in again])
