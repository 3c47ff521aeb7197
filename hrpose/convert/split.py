"""Which images to train with, which to look at meanwhile, and which to test with.

Frames of one video are near copies of one another: a model that saw some is not tested by the
others. So a video stays in one part. Where there are too few videos for that, each is cut into
blocks, with a gap between them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from hrpose.convert.label_set import LabelledImage, LabelSet
from hrpose.errors import DataError, RunError
from hrpose.predict.inputs import natural_key

PARTS = ("train", "val", "test")
GAP = 0.01
"""Share of a video's images left out at each cut; at least one image."""
FEWEST = 3
"""Videos from which on each stays whole."""

Parts = dict[str, list[int]]


def shares_of(text: str) -> list[float]:
    """'.8/.1/.1' as shares of train, val and test that add up to 1.

    Raises:
        ValueError: it is not of that kind.
    """
    shares = [float(word) for word in text.split("/")]
    if not 1 <= len(shares) <= len(PARTS) or not all(0 < share <= 1 for share in shares):
        raise ValueError(text)
    total = sum(shares)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"they add up to {total:g}")
    return shares


def split(
    labels: LabelSet, shares: Sequence[float] | None, by: str, seed: int
) -> tuple[Parts, list[str]]:
    """Images (by their place) of each part, and what is to be said about it.

    Args:
        shares: of train, val and test; None takes the original's own parts where it has some,
            else .8, .1 and .1.
        by: 'video', 'image', or a regular expression that tells by an image's name what it
            belongs to (its first group, or all that fits).

    Raises:
        RunError: `by` is no regular expression.
        DataError: it fits no part of an image's name.
    """
    if shares is None and labels.split is not None:
        return {part: list(places) for part, places in labels.split.items()}, []
    names = PARTS[: len(shares or PARTS)]
    shares = shares or (0.8, 0.1, 0.1)
    if by == "image":
        order = _shuffled([image.name for image in labels.images], seed)
        return _named(names, _cut(order, shares, 0)), []
    groups = _groups(labels.images, by)
    if len(shares) == 1:
        return {names[0]: list(range(len(labels.images)))}, []
    if len(groups) < FEWEST:
        return _in_blocks(labels.images, groups, names, shares)
    return _whole_groups(groups, names, shares, seed)


def _groups(images: Sequence[LabelledImage], by: str) -> dict[str, list[int]]:
    """Images of each video, in the order of the file."""
    groups: dict[str, list[int]] = {}
    if by == "video":
        for place, image in enumerate(images):
            groups.setdefault(image.group, []).append(place)
        return groups
    pattern = group_pattern(by)
    for place, image in enumerate(images):
        group = group_in(image.name, pattern)
        if group is None:
            raise DataError(f"--by {by!r} fits no part of the image name {image.name!r}")
        groups.setdefault(group, []).append(place)
    return groups


def group_pattern(by: str) -> re.Pattern[str]:
    """What `--by` finds groups by, where it is no word; RunError if it is no expression either."""
    try:
        return re.compile(by)
    except re.error as error:
        raise RunError(
            f"--by {by!r}: expected video, image or a regular expression ({error})"
        ) from None


def group_in(name: str, pattern: re.Pattern[str]) -> str | None:
    """What an image of that name belongs to: the pattern's first group, or all that fits; None
    where nothing does.
    """
    found = pattern.search(name)
    return ((found[1] if pattern.groups else found[0]) or "") if found else None


def _whole_groups(
    groups: dict[str, list[int]], names: Sequence[str], shares: Sequence[float], seed: int
) -> tuple[Parts, list[str]]:
    """Each group goes to the part that lacks most; none stays empty."""
    total = sum(map(len, groups.values()))
    keys = list(groups)
    chosen: dict[str, list[str]] = {name: [] for name in names}
    filled = dict.fromkeys(names, 0)
    wanted = {name: share * total for name, share in zip(names, shares, strict=True)}
    waiting = [keys[place] for place in _shuffled(keys, seed)]
    while waiting:
        key = waiting.pop(0)
        empty = [name for name in names if not chosen[name]]
        open_to = empty if len(waiting) < len(empty) else names
        name = max(open_to, key=lambda name: (wanted[name] - filled[name]) / wanted[name])
        chosen[name].append(key)
        filled[name] += len(groups[key])
    parts = {name: sorted(place for key in chosen[name] for place in groups[key]) for name in names}
    told = ", ".join(f"{name} {len(chosen[name])} ({filled[name]} images)" for name in names)
    return parts, [f"split by {len(groups)} videos: {told}"]


def _in_blocks(
    images: Sequence[LabelledImage],
    groups: dict[str, list[int]],
    names: Sequence[str],
    shares: Sequence[float],
) -> tuple[Parts, list[str]]:
    """Of each group the first images, the next ones and the last ones, by their names."""
    parts: Parts = {name: [] for name in names}
    for places in groups.values():
        order = sorted(places, key=lambda place: natural_key(images[place].name))
        gap = max(1, round(GAP * len(order)))
        for name, block in _named(names, _cut(order, shares, gap)).items():
            parts[name] += block
    lost = len(images) - sum(map(len, parts.values()))
    what = "one video" if len(groups) == 1 else f"{len(groups)} videos"
    between = f"{lost} images left out" if lost else "no gap"
    note = (
        f"WARNING: all images are of {what}, too few to keep one for tests: {'/'.join(names)} are "
        f"blocks of the same video with {between} between them. Errors on other videos will be "
        "larger than those that are measured. (--by PATTERN, if names tell more)"
    )
    if empty := [name for name, places in parts.items() if not places]:
        note = f"WARNING: too few images for {' and '.join(empty)}: all are in the parts before"
    return {name: sorted(places) for name, places in parts.items()}, [note]


def _cut(order: Sequence[int], shares: Sequence[float], gap: int) -> list[list[int]]:
    """`order` in blocks of these shares, `gap` left out between two; none is empty if possible."""
    if len(order) < len(shares) + gap * (len(shares) - 1):
        gap = 0
    left = len(order) - gap * (len(shares) - 1)
    blocks, start, sum_of_shares, taken = [], 0, 0.0, 0
    for number, share in enumerate(shares):
        sum_of_shares += share
        after = len(shares) - 1 - number
        least = min(taken + 1, left)
        end = max(least, min(round(sum_of_shares * left), left - after)) if after else left
        count = end - taken
        blocks.append(list(order[start : start + count]))
        start += count + gap
        taken += count
    return blocks


def _named(names: Sequence[str], blocks: list[list[int]]) -> Parts:
    return {name: sorted(block) for name, block in zip(names, blocks, strict=True)}


def _shuffled(names: Sequence[str], seed: int) -> list[int]:
    """Places of `names` in an order that is the same everywhere, and for some of the names too."""

    def key(place: int) -> str:
        return hashlib.sha256(f"{seed} {names[place]}".encode()).hexdigest()

    return sorted(range(len(names)), key=key)
