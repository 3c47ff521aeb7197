"""The record of one fault: how bad it is, what it is, who it concerns, what to do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning", "note"]
"""An error stops training. A warning may be right, and wants a look. A note says what was done."""

NAMED = 5
"""Places of a fault that are named; the others are counted."""


@dataclass(frozen=True)
class Place:
    """An image, or an animal on it, that a fault concerns.

    Args:
        image_id, annotation_id: as in the file; None where it is about the other alone.
        file_name: of the image, as in the file; '' where it is not known.
    """

    image_id: Hashable = None
    annotation_id: Hashable = None
    file_name: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault of one file, wherever in it.

    Args:
        kind: its name in `kinds.KINDS`.
        what: a sentence without the places: '3 with a labelled keypoint outside the image'.
        todo: what to do.
        file: the annotation file or files.
        places: all that it concerns, the worst first where some are worse; none where it is about
            the whole file.
    """

    kind: str
    severity: Severity
    what: str
    todo: str
    file: str
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{'' if self.severity == 'note' else f'{self.severity}: '}{self.what}{self.where()}"

    @property
    def in_summary(self) -> bool:
        """Whether a summary shows it; what is left out is listed there anyway."""
        return self.kind not in ("left-out", "bare")

    def where(self) -> str:
        """` (annotation 5, 7, 9)`; at most five are named."""
        if not self.places:
            return ""
        annotations = [place.annotation_id is not None for place in self.places]
        names = [
            str(place.annotation_id if own else place.image_id)
            for place, own in zip(self.places, annotations, strict=True)
        ]
        shown = ", ".join(islice(names, NAMED)) + (", ..." if len(names) > NAMED else "")
        return f" ({'annotation' if all(annotations) else 'image'} {shown})"


def _in_full(fault: Fault) -> str:
    """A fault in a paragraph."""
    where = [fault.file]
    for place in fault.places[:NAMED]:
        image = f"image {place.image_id}" if place.image_id is not None else ""
        name = f" ({place.file_name})" if place.file_name else ""
        animal = f"annotation {place.annotation_id}" if place.annotation_id is not None else ""
        where.append(", ".join(filter(None, [image + name, animal])))
    more = len(fault.places) - NAMED
    where += [f"and {more} more"] if more > 0 else []
    head = f"{fault.severity}: {fault.what}"
    return "\n".join([head, f"    in {'; '.join(where)}", f"    -> {fault.todo}"])


def errors_among(faults: Iterable[Fault]) -> list[Fault]:
    """Those that training refuses."""
    return [fault for fault in faults if fault.severity == "error"]


def in_lines(faults: Iterable[Fault]) -> list[str]:
    """For a reader who is to mend them: each with its file, ids and what to do."""
    return [_in_full(fault) for fault in faults]
