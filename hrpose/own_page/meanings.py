"""Keypoints that are called otherwise and mean the same: what a page starts from by meaning.

A proposal, which `init` writes on the page as a table to correct.
"""

from __future__ import annotations

from collections.abc import Sequence

from hrpose.models.channels import TrainedModel
from hrpose.sides import normalised

_ALIKE = (
    ("nose", "snout", "nosetip", "snouttip", "tipofnose"),
    ("mouthend", "mouthcorner", "cornerofmouth"),
    ("lowerjaw", "jaw", "chin", "lowerlip"),
    ("upperjaw", "upperlip"),
    ("earbase", "baseofear", "earroot"),
    ("earend", "eartip", "tipofear"),
    ("antlerbase", "hornbase"),
    ("antlerend", "antlertip", "horntip", "hornend"),
    ("neckend", "endofneck"),
    ("throatbase", "throat"),
    ("backmiddle", "midback", "middleofback", "backmid"),
    ("tailbase", "tailroot", "rootoftail", "baseoftail", "tailstart", "tailhead"),
    ("tailend", "tailtip", "endoftail", "tipoftail"),
    ("frontthai", "frontthigh", "fthai", "fthigh"),
    ("frontknee", "fknee", "foreknee"),
    ("frontpaw", "fpaw", "forepaw", "frontfoot", "forefoot", "fronthoof", "forehoof", "ffoot"),
    ("backthai", "backthigh", "hindthigh", "rearthigh", "bthai", "bthigh"),
    ("backknee", "bknee", "hindknee", "rearknee"),
    ("backpaw", "bpaw", "hindpaw", "rearpaw", "backfoot", "hindfoot", "hindhoof", "backhoof"),
    ("bellybottom", "belly"),
    ("bodymiddle", "midside", "flank", "side"),
    ("mousecenter", "center", "centre", "bodycenter", "bodycentre", "mousecentre", "centroid"),
    ("headmidpoint", "headcenter", "headcentre", "midhead"),
)
"""Names as `sides.normalised` gives them, without their side."""
_GROUP = {word: number for number, words in enumerate(_ALIKE) for word in words}


def same_meanings(names: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (one of `names`, one of `theirs`) that mean the same; without those of equal names."""
    equal = TrainedModel("", theirs).channels(names)
    taken = {theirs[place] for place in equal if place is not None}
    pairs = []
    for name, place in zip(names, equal, strict=True):
        meaning = _meaning(name)
        if place is None and meaning:
            found = [other for other in theirs if _meaning(other) == meaning and other not in taken]
            pairs += [(name, other) for other in found[:1]]
            taken.update(found[:1])
    return pairs


def _meaning(name: str) -> tuple[int, str] | None:
    """The group of a name and its side; None for one that is in no group."""
    word, _, side = normalised(name).partition("|")
    return (_GROUP[word], side) if word in _GROUP else None
