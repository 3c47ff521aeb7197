"""`labeled-data/<video>/machinelabels-iter0.h5` and `.csv`, which napari-deeplabcut opens.

As in the tables of DeepLabCut's labels, a row is called by the three parts of its image's path;
they keep the likelihood, by which napari-deeplabcut shows what to look at.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from hrpose.labelling.output import Suggested, SuggestedFiles
from hrpose.predict.tables import h5
from hrpose.storage.whole_file import write_whole


def write(where: SuggestedFiles, found: Suggested) -> None:
    """Both tables; a missing point is NaN."""
    rows = [picture.candidate.row for picture in found.chosen]
    table = replace(
        found.table,
        labels=found.names(),
        keypoints=found.table.keypoints[rows],
        scores=found.table.scores[rows],
    )
    frame = h5.frame_of(table, len(table.individuals) > 1)
    paths = [("labeled-data", found.video.stem, name) for name in found.names()]
    frame.index = pd.MultiIndex.from_tuples(paths)
    binary, text = where.tables
    h5.save(frame, binary)
    write_whole(text, frame.to_csv(lineterminator="\n"))
