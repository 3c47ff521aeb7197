"""What the tools of DeepLabCut 3 take for the result of its own analyze_videos.

They ask a project for the name of its model, and look for files that begin with the video's name
and that one. So the file is called `<video><scorer>.h5`, `_el` at its end where the project has
several animals; beside it lie the csv and the small `_meta.pickle`. Missing points are -1, not NaN,
which analyzeskeleton refuses. Files of this form that were written by hand went through
filterpredictions, plot_trajectories, analyzeskeleton, create_labeled_video and
extract_outlier_frames of DeepLabCut 3.0.2; those of this module have not been tried there.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.errors import DataError
from hrpose.predict.tables import csv_table, h5
from hrpose.predict.tables.formats import Finished
from hrpose.storage.whole_file import draft, write_whole
from hrpose.storage.yaml_file import read_yaml


def write(finished: Finished) -> list[Path]:
    """The h5, the csv and `_meta.pickle` for the project of `finished.dlc_project`."""
    assert finished.dlc_project is not None  # looked at before any work
    scorer, several = scorer_of(*finished.dlc_project)
    table = csv_table.read(finished.table)
    lost = np.isnan(table.keypoints)
    table = replace(
        table,
        scorer=scorer,
        keypoints=np.where(lost, -1, table.keypoints),
        scores=np.where(lost.any(axis=-1), -1, table.scores.clip(0, 1)),
    )
    frame = h5.frame_of(table, several)
    places = finished.places
    path = places.file(f"{scorer}{'_el' if several else ''}.h5")
    h5.save(frame, path)
    write_whole(path.with_suffix(".csv"), frame.to_csv(lineterminator="\n"))
    meta = places.file(f"{scorer}_meta.pickle")
    with draft(meta) as file:
        pickle.dump({"data": _meta(finished, table)}, file)
    return [path, path.with_suffix(".csv"), meta]


def _meta(finished: Finished, table: csv_table.Table) -> dict[str, Any]:
    """What DeepLabCut's tools read of a video's analysis, and what people look up there."""
    width, height = finished.size or (0, 0)
    return {
        "Scorer": table.scorer,
        "fps": finished.rate,
        "nframes": len(table.labels),
        "frame_dimensions": (width, height),
        "cropping": False,
        "cropping_parameters": [0, width, 0, height],
        "individuals": list(table.individuals),
        "bodyparts": list(table.bodyparts),
    }


def scorer_of(config: Path, shuffle: int) -> tuple[str, bool]:
    """The name that a project's tools know the results of a shuffle by; and whether the project is
    one of several animals.

    Raises:
        DataError: it is no project, or has no such shuffle with a snapshot.
    """
    project = read_yaml(config)
    missing = [name for name in ("Task", "date") if name not in project]
    if missing:
        raise DataError(f"{config}: no config.yaml of a DeepLabCut project ({missing[0]} missing)")
    name = f"{project['Task']}{project['date']}"
    _require_plain(config, "Task and date", name)
    models = config.parent / "dlc-models-pytorch" / f"iteration-{project.get('iteration', 0)}"
    folders = sorted(models.glob(f"{name}-trainset*shuffle{shuffle}/train"))
    if not folders:
        raise DataError(
            f"{config}: there is no shuffle {shuffle} in {models}; DeepLabCut's tools find no "
            "results without one: make it with deeplabcut.create_training_dataset, or choose "
            "another with --shuffle"
        )
    snapshots = [path.stem for path in folders[0].glob("snapshot-*.pt")]
    if not snapshots:
        raise DataError(
            f"{folders[0]}: there is no snapshot-NNN.pt; DeepLabCut's tools read its name (an "
            "empty file snapshot-001.pt will do)"
        )
    settings = folders[0] / "pytorch_config.yaml"
    net = str(read_yaml(settings).get("net_type", "hrnet_w32"))
    _require_plain(settings, "net_type", net)
    words = net.removeprefix("top_down_").split("_")
    last = max(snapshots, key=_rank).removeprefix("snapshot-")
    return (
        f"DLC_{''.join(word.capitalize() for word in words)}_{name}shuffle{shuffle}"
        f"_snapshot_{last}",
        bool(project.get("multianimalproject")),
    )


def _require_plain(file: Path, what: str, name: str) -> None:
    """DataError where `name`, which becomes part of a file's name, could lead elsewhere."""
    if not name.isprintable() or set(name) & set("/\\:"):
        raise DataError(f"{file}: {what} {name!r:.60}: no part of the name of a file")


def _rank(snapshot: str) -> tuple[bool, int]:
    """DeepLabCut takes the best snapshot if there is one, else the last."""
    number = re.search(r"(\d+)$", snapshot)
    return "best" in snapshot, int(number[1]) if number else 0
