"""To a SLEAP file: .slp, which names videos and images, or .pkg.slp, which holds the images.

Labels that came from SLEAP name their videos again, where those are on this machine; else a video
of SLEAP is the list of a group's images. Predictions become predicted instances.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.back.files import Back
from hrpose.convert.coco import labelled
from hrpose.convert.images import refuse_existing, require_images
from hrpose.convert.label_set import LabelledAnimal, LabelledImage
from hrpose.errors import RunError
from hrpose.predict.tables.slp import predicted_instance, skeleton_of
from hrpose.storage.whole_file import draft_for_library


def write(back: Back) -> list[Path]:
    """`back.out`, whose name ends in .slp.

    Raises:
        RunError: the name ends otherwise, or the file is there.
        DataError: images are missing.
    """
    import sleap_io

    if back.out.suffix != ".slp":
        raise RunError(f"{back.out}: expected a name that ends in .slp, or .pkg.slp with images")
    refuse_existing([back.out], back.overwrite)
    labels = back.labels
    names = _names(back)
    skeletons = [
        skeleton_of(name, one.keypoints, one.skeleton, one.flip_pairs)
        for one, name in zip(labels.categories, names, strict=True)
    ]
    tracks = {name: sleap_io.Track(name=name) for name in _tracks(back)}
    videos, places = _videos(back)
    frames = []
    for place, animals in enumerate(back.animals_of()):
        video, number = places[place]
        instances = [_instance(animal, skeletons[animal.category], tracks) for animal in animals]
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=instances))
    whole = sleap_io.Labels(
        [frame for frame in frames if frame.instances],
        videos=videos,
        skeletons=skeletons,
        tracks=list(tracks.values()),
    )
    back.out.parent.mkdir(parents=True, exist_ok=True)
    with draft_for_library(back.out) as path:
        embed = back.out.name.endswith(".pkg.slp")
        sleap_io.save_slp(whole, str(path), embed=embed, verbose=False)
    return [back.out]


def _names(back: Back) -> list[str]:
    """Of the skeletons: those of the original, else the categories'."""
    kept = back.about.get("skeletons")
    own = [category.name for category in back.labels.categories]
    return [str(name) for name in kept] if kept and len(kept) == len(own) else own


def _tracks(back: Back) -> list[str]:
    """Names in the order of the original, then as they come."""
    known = [str(name) for name in back.about.get("tracks", [])]
    found = [one.individual for one in back.labels.animals if one.individual is not None]
    return list(dict.fromkeys([*known, *found]))


def _videos(back: Back) -> tuple[list[Any], list[tuple[Any, int]]]:
    """SLEAP's videos, and the video and frame of each image."""
    import sleap_io

    kept = {one["group"]: one["filename"] for one in back.about.get("videos", [])}
    groups: dict[str, list[int]] = {}
    for place, image in enumerate(back.labels.images):
        groups.setdefault(image.group, []).append(place)
    videos = []
    found: dict[int, tuple[Any, int]] = {}
    for group, places in groups.items():
        images = [back.labels.images[place] for place in places]
        name = kept.get(group)
        numbers: Sequence[int] = range(len(places))
        if isinstance(name, str) and not name.endswith(".slp") and Path(name).is_file():
            video = sleap_io.Video(filename=name, open_backend=False)
            numbers = [int(image.source_id or 0) for image in images]
        else:
            video = sleap_io.Video.from_filename(_paths(back, images))
        videos.append(video)
        found |= {place: (video, number) for place, number in zip(places, numbers, strict=True)}
    return videos, [found[place] for place in range(len(back.labels.images))]


def _paths(back: Back, images: Sequence[LabelledImage]) -> list[str]:
    files = {image.name: image.source for image in images if isinstance(image.source, Path)}
    there = {name: path if path.is_file() else None for name, path in files.items()}
    source = back.labels.files[0]
    require_images(there, source, [source.parent])
    return [str(path.absolute()) for path in files.values()]


def _instance(animal: LabelledAnimal, skeleton: Any, tracks: dict[str, Any]) -> Any:
    """An instance; a predicted one where the labels have scores."""
    import sleap_io

    points = np.where(labelled(animal)[:, None], animal.keypoints, np.nan)
    track = None if animal.individual is None else tracks[animal.individual]
    if animal.scores is None:
        return sleap_io.Instance.from_numpy(points, skeleton=skeleton, track=track)
    return predicted_instance(points, animal.scores, skeleton, track)
