"""Going on with a run: which checkpoint, and whether page and data are still those of the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hrpose.errors import CheckpointError, RunError
from hrpose.processes import distributed
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file as checkpoint
from hrpose.storage.seal import KEY

_INCOMPATIBLE = ("keypoints", "codec", "model", "optimizer.type")
"""Parts of a page that make what they are the weights, the targets and the optimizer's memory."""


def find(work_dir: Path, resume: str | None, log: RunLog) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint to go on from, read; None for a new run.

    Args:
        resume: None for a new run, 'auto' for the newest whole checkpoint of `work_dir`, or a path.
    """
    if not resume:
        return None
    if resume != "auto":
        return Path(resume), checkpoint.read(Path(resume))
    path, state = checkpoint.newest_whole(work_dir, log.warning)
    if path is None or state is None:
        # a job that the scheduler starts again and again begins with this one
        log.info(f"no checkpoint in {work_dir} yet: a new run")
        return None
    return path, state


def require_agreement(source: tuple[Path, dict[str, Any]] | None) -> None:
    """RunError unless all processes go on from the same checkpoint, or all begin anew."""
    digests = distributed.gather(source[1].get(KEY, "") if source else None)
    if len(set(digests)) > 1:
        raise RunError(
            "the processes of this run do not find the same checkpoint to go on from; the run "
            "directory must be on a disk that all machines share"
        )


def refuse_second_run(work_dir: Path) -> None:
    """RunError if `work_dir` holds a run already, or cannot be looked into."""
    try:
        held = any(path.exists() for path in [work_dir / "train.log", *work_dir.glob("*.pth")])
    except OSError as error:
        raise RunError(
            f"{work_dir}: cannot be used ({error.strerror}); choose another folder with --work-dir"
        ) from error
    if held:
        raise RunError(
            f"{work_dir} already holds a run; go on with it by --resume, choose another folder "
            "with --work-dir, or remove it"
        )


def within(path: Path, work_dir: Path) -> bool:
    """Whether `path` is a file of the run directory `work_dir`."""
    return path.resolve().parent == work_dir.resolve()


def compare(
    path: Path, meta: dict[str, Any], identity: dict[str, Any], allow_data_change: bool, log: RunLog
) -> None:
    """Say what changed in page and data since the checkpoint `path`.

    Args:
        meta: of the checkpoint; `identity`: the same of the run that starts now.

    Raises:
        CheckpointError: the change does not go with the weights or the optimizer's memory.
        RunError: the data changed, and `allow_data_change` is false.
    """
    if "page" not in meta:
        raise CheckpointError(
            f"{path}: written by an older hrpose, which kept too little to go on exactly; start a "
            "new run from these weights with --load-from"
        )
    old, new = json.loads(meta["page"]), json.loads(identity["page"])
    changes = list(_differences(old, new, ""))
    refused = [line for name, line in changes if _matches(name, _INCOMPATIBLE)]
    if refused:
        raise CheckpointError(
            f"{path}: does not fit this config, which has changed since:"
            + "".join(f"\n  - {line}" for line in refused)
            + "\nresume with the config of that run (config.py of its directory), or start a new "
            "run from these weights with --load-from"
        )
    if changes:
        log.warning(f"the config has changed since {path}:")
        for _, line in changes:
            log.info(f"  - {line}")
    digests = {split: (meta[split], identity[split]) for split in ("train", "val")}
    # without validation there are no validation annotations
    other = [split for split, both in digests.items() if all(both) and both[0] != both[1]]
    if other and not allow_data_change:
        raise RunError(
            f"{path}: the {' and '.join(other)} annotations are not those of that run; restore "
            "them, or say that this is meant with --allow-data-change"
        )
    if other:
        log.warning(f"the {' and '.join(other)} annotations have changed since {path}")


def _differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, str]]:
    """(config path, sentence) of every value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            name = f"{where}.{key}" if where else key
            if key not in new:
                yield name, f"{name}: {_short(old[key])} -> (gone)"
            elif key not in old:
                yield name, f"{name}: (new) -> {_short(new[key])}"
            else:
                yield from _differences(old[key], new[key], name)
    elif old != new:
        yield where, f"{where}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _matches(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)
