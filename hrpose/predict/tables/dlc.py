"""What the tools of DeepLabCut 3 take for the result of its own analyze_videos.

They ask a project for the name of its model, and look for files that begin with the video's name
and that one. So the file is called `<video><scorer>.h5`, `_el` at its end where the project has
several animals; beside it lie the csv and the small `_meta.pickle`. Missing points are -1, not NaN,
which analyzeskeleton refuses. docs/predict.md says which of DeepLabCut's functions were tried.
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
    share = (project.get("TrainingFraction") or [0.95])[0]
    train = models / f"{name}-trainset{int(share * 100)}shuffle{shuffle}" / "train"
    if not train.is_dir():
        raise DataError(
            f"{config}: there is no shuffle {shuffle} in {train.parents[1]}; DeepLabCut's tools "
            "find no results without one: make it with deeplabcut.create_training_dataset, or "
            "choose another with --shuffle"
        )
    model = read_yaml(train / "pytorch_config.yaml")
    made_by = f"snapshot_{_snapshot(train, 'snapshot', project.get('snapshotindex'))}"
    detectors = list(train.glob("snapshot-detector-*.pt"))
    if detectors and str(model.get("method")).lower() == "td":
        index = project.get("detector_snapshotindex")
        made_by = f"detector_{_snapshot(train, 'snapshot-detector', index)}_{made_by}"
    net = str(model.get("net_type", "hrnet_w32"))
    _require_plain(train / "pytorch_config.yaml", "net_type", net)
    words = net.removeprefix("top_down_").split("_")
    network = "".join(word.capitalize() for word in words)
    return (
        f"DLC_{network}_{name}shuffle{shuffle}_{made_by}",
        bool(project.get("multianimalproject")),
    )


def _require_plain(file: Path, what: str, name: str) -> None:
    """DataError where `name`, which becomes part of a file's name, could lead elsewhere."""
    if not name.isprintable() or set(name) & set("/\\:"):
        raise DataError(f"{file}: {what} {name!r:.60}: no part of the name of a file")


def _snapshot(train: Path, kind: str, index: Any) -> str:
    """What DeepLabCut calls the snapshot of `index` in a folder: they are in the order of their
    epochs, and the best one, where there is one, is the last.

    Raises:
        DataError: there is none.
    """
    names = (re.fullmatch(rf"{kind}-(best-)?(\d+)", path.stem) for path in train.glob("*.pt"))
    found = sorted((bool(name[1]), int(name[2])) for name in names if name)
    place = index if isinstance(index, int) else -1  # 'all' is the last one too
    if not -len(found) <= place < len(found):
        raise DataError(
            f"{train}: there is no {kind}-NNN.pt of index {place}; DeepLabCut's tools read its "
            f"name (an empty file {kind}-001.pt will do)"
        )
    best, epochs = found[place]
    return f"{'best-' if best else ''}{epochs}"
