"""SLEAP's two files: `<stem>.slp`, opened by SLEAP and sleap-io, and `<stem>.analysis.h5`.

Nodes are in the page's order, edges are its skeleton, symmetries its flip pairs; each animal is a
track. SLEAP's coordinates have pixel centres at integers too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.predict.tables import csv_table
from hrpose.predict.tables.formats import Finished
from hrpose.storage.whole_file import draft_for_library


def write(finished: Finished) -> list[Path]:
    """Both files; in the second, frames that were not looked at are missing points."""
    table = csv_table.read(finished.table)
    numbers = _numbers(finished, table)
    slp, analysis = finished.places.file(".slp"), finished.places.file(".analysis.h5")
    with draft_for_library(slp) as draft:
        _write_slp(finished, table, numbers, draft)
    with draft_for_library(analysis) as draft:
        _write_analysis(table, numbers, draft)
    return [slp, analysis]


def _numbers(finished: Finished, table: csv_table.Table) -> list[int]:
    """The number of each row's frame in its video, or of its image."""
    if finished.job.kind == "video":
        return [int(label) for label in table.labels]
    return list(range(len(table.labels)))


def _write_slp(finished: Finished, table: csv_table.Table, numbers: list[int], path: Path) -> None:
    import sleap_io

    meta = finished.cropper.meta
    skeleton = skeleton_of(meta.dataset, meta.names, meta.skeleton, meta.flip_pairs)
    paths = [str(file.absolute()) for file in finished.job.paths]
    if finished.job.kind == "video":
        video = sleap_io.Video(filename=paths[0], open_backend=False)
    else:
        video = sleap_io.Video.from_filename(paths)
    tracks = [sleap_io.Track(name=name) for name in table.individuals]
    frames = [
        sleap_io.LabeledFrame(
            video=video, frame_idx=number, instances=instances_of(table, row, skeleton, tracks)
        )
        for row, number in enumerate(numbers)
    ]
    labels = sleap_io.Labels(frames, videos=[video], skeletons=[skeleton], tracks=tracks)
    sleap_io.save_slp(labels, str(path), verbose=False)


def instances_of(
    table: csv_table.Table, row: int, skeleton: Any, tracks: Sequence[Any]
) -> list[Any]:
    """SLEAP's predicted instances of a row: one an animal, none for one without any point.

    Args:
        tracks: of each animal; None for one that has no track.
    """
    return [
        predicted_instance(table.keypoints[row, animal], table.scores[row, animal], skeleton, track)
        for animal, track in enumerate(tracks)
        if np.isfinite(table.keypoints[row, animal]).any()
    ]


def predicted_instance(points: np.ndarray, scores: np.ndarray, skeleton: Any, track: Any) -> Any:
    """SLEAP's instance of an animal with points (K, 2) and scores (K,)."""
    import sleap_io

    return sleap_io.PredictedInstance.from_numpy(
        points,
        skeleton=skeleton,
        point_scores=scores,
        score=float(scores.mean()),
        track=track,
    )


def skeleton_of(
    name: str,
    nodes: Sequence[str],
    edges: Sequence[Sequence[str]],
    symmetries: Sequence[Sequence[str]],
) -> Any:
    """SLEAP's skeleton of keypoints, limbs between them, and pairs that a mirror exchanges."""
    import sleap_io

    return sleap_io.Skeleton(
        nodes=list(nodes),
        edges=[list(pair) for pair in edges],
        symmetries=[list(pair) for pair in symmetries],
        name=name,
    )


def _write_analysis(table: csv_table.Table, numbers: list[int], path: Path) -> None:
    """Datasets tracks (N, 2, K, F), point_scores (N, K, F), track_occupancy (F, N) and names."""
    import h5py

    count, animals, points = max(numbers) + 1, len(table.individuals), len(table.bodyparts)
    tracks = np.full((animals, 2, points, count), np.nan)
    scores = np.full((animals, points, count), np.nan)
    tracks[..., numbers] = table.keypoints.transpose(1, 3, 2, 0)
    scores[..., numbers] = table.scores.transpose(1, 2, 0)
    with h5py.File(path, "w") as file:
        file["tracks"] = tracks
        file["point_scores"] = scores
        file["track_occupancy"] = np.isfinite(tracks).any(axis=(1, 2)).T.astype(np.uint8)
        file["track_names"] = [name.encode() for name in table.individuals]
        file["node_names"] = [name.encode() for name in table.bodyparts]
