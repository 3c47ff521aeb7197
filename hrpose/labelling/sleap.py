"""`<video>.suggested.slp`: predicted instances to correct, and the frames as suggestions.

SLEAP opens the video itself. Its coordinates have pixel centres at integers, too.
"""

from __future__ import annotations

import sleap_io

from hrpose.labelling.output import Suggested, SuggestedFiles
from hrpose.predict.tables.slp import instances_of, skeleton_of
from hrpose.storage.whole_file import draft_for_library


def write(where: SuggestedFiles, found: Suggested) -> None:
    """The labels file; animals without any point have no instance."""
    table, meta = found.table, found.meta
    skeleton = skeleton_of(meta.dataset, meta.names, meta.skeleton, meta.flip_pairs)
    video = sleap_io.Video(filename=str(found.video.absolute()), open_backend=False)
    several = len(table.individuals) > 1
    tracks = [sleap_io.Track(name=name) for name in table.individuals] if several else [None]
    frames = []
    for picture in found.chosen:
        instances = instances_of(table, picture.candidate.row, skeleton, tracks)
        number = picture.candidate.number
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=instances))
    suggestions = [
        sleap_io.SuggestionFrame(video=video, frame_idx=frame.frame_idx) for frame in frames
    ]
    labels = sleap_io.Labels(
        frames,
        videos=[video],
        skeletons=[skeleton],
        tracks=[track for track in tracks if track is not None],
        suggestions=suggestions,
    )
    with draft_for_library(where.tables[0]) as path:
        sleap_io.save_slp(labels, str(path), verbose=False)
