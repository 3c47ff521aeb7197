"""Going on with a run: which checkpoint, and whether page and data are still those of the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from hrpose.errors import CheckpointError, RunError
from hrpose.processes import distributed
from hrpose.rundir import checkpoints
from hrpose.rundir.curves import read_rows
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.rundir.state import Progress, RunState, steps_of
from hrpose.storage.seal import KEY


class Settings(Protocol):
    """What of a run's settings the best weights depend on."""

    @property
    def epochs(self) -> int:
        """Length of the run."""

    @property
    def save_best(self) -> str | None:
        """The metric that chooses the best weights."""

    @property
    def early_stop(self) -> int | None:
        """Validations without better weights that end the run."""


_INCOMPATIBLE = ("keypoints", "codec", "model", "optimizer.type")
"""Parts of a page that make what they are the weights, the targets and the optimizer's memory."""


def find(
    work_dir: Path, resume: str | None, misfit: checkpoints.Misfit, log: RunLog
) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint to go on from, read; None for a new run.

    Args:
        resume: None for a new run, 'auto' for the newest whole checkpoint of `work_dir`, or a path.
        misfit: as for `checkpoints.read_training`.

    Raises:
        CheckpointError: the one that is named, or each one of the folder, cannot be gone on from.
    """
    if not resume:
        return None
    if resume != "auto":
        return Path(resume), checkpoints.read_training(Path(resume), misfit)
    path, state = checkpoints.newest_whole(work_dir, log.warning, misfit)
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


def require_free(work_dir: Path, resume: str | None) -> None:
    """RunError if `work_dir` holds another run than that to go on with, or cannot be looked into.

    A start that failed before anything was saved leaves no run: the next may take its place.

    Args:
        resume: as for `find`.
    """
    if resume == "auto" or (resume and Path(resume).resolve().parent == work_dir.resolve()):
        return
    try:
        held = any(work_dir.glob("*.pth")) or _tells_of_an_epoch(work_dir / "metrics.jsonl")
    except OSError as error:
        raise RunError(
            f"{work_dir}: cannot be used ({error.strerror}); choose another folder with --work-dir"
        ) from error
    if held:
        raise RunError(
            f"{work_dir} already holds a run; go on with it by --resume, choose another folder "
            "with --work-dir, or remove it"
        )


def _tells_of_an_epoch(rows: Path) -> bool:
    """Whether a run came to the end of an epoch: then its log is worth more than a false start's.

    Raises:
        OSError: the file cannot be read.
    """
    whole = read_rows(rows)[0] if rows.is_file() else []
    return any(row["epoch"] > 0 for row in whole)


def compare(
    path: Path,
    saved: dict[str, Any],
    identity: dict[str, Any],
    allow_data_change: bool,
    log: RunLog,
) -> None:
    """Say what changed in page and data since the checkpoint `path`.

    Args:
        saved: its content; `identity`: what the run that starts now is made of.

    Raises:
        CheckpointError: the change does not go with the weights or the optimizer's memory.
        RunError: the data changed, and `allow_data_change` is false.
    """
    meta = saved["meta"]
    if "page" not in meta:
        raise CheckpointError(
            f"{path}: written by an older hrpose, which kept too little to go on exactly; start a "
            "new run from these weights with --load-from"
        )
    old, new = json.loads(meta["page"]), json.loads(identity["page"])
    changes = list(differences(old, new, ""))
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
    then, now = steps_of(meta), steps_of(identity)
    if then != now and not allow_data_change:
        raise CheckpointError(
            f"{path}: an epoch of that run had {then[0]} steps of {then[1]} animals, with this "
            f"config and number of processes it has {now[0]} of {now[1]}; "
            "keep processes * data.batch_size * runner.accumulate as they were"
        )


def restore(
    state: RunState,
    path: Path,
    saved: dict[str, Any],
    settings: Settings,
    keeper: Keeper,
    log: RunLog,
) -> None:
    """Go on where `saved`, read from `path`, stopped: state, best weights, rows of the log.

    Raises:
        CheckpointError: it is not one of such a run.
    """
    keeper.go_on_from(path, saved["meta"]["best_file"])
    attempt = 1 + distributed.broadcast(checkpoints.last_attempt(keeper.folder))
    state.restore(path, saved)
    state.progress.attempt = attempt
    _say_average(state, saved, log)
    _check_best(state, saved["meta"], settings, keeper.folder, log)
    progress = state.progress
    log.rewind(progress.epoch, progress.step, progress.iteration)
    log.info(f"resumed from {path} after {_where(progress, settings)}")


def _say_average(state: RunState, saved: dict[str, Any], log: RunLog) -> None:
    """Say it where the run before had no moving average of the weights, or this one has none.

    One that begins does so as in a new run, with the weights as they are and a decay that grows;
    where one ends, the trained weights go on, not their average.
    """
    before = saved["train_state_dict"] is not None
    if state.ema and not before:
        log.info("the moving average of the weights begins here, with the trained weights")
    elif before and not state.ema:
        log.warning(
            "the moving average of the weights ends here: from now on the trained weights are "
            "validated and kept; the best weights so far stay those of the average"
        )


def _check_best(
    state: RunState, before: dict[str, Any], settings: Settings, folder: Path, log: RunLog
) -> None:
    """Forget the best value where it does not hold any more, and an early stop with it.

    Args:
        before: the `meta` of the checkpoint.
    """
    progress, page = state.progress, json.loads(before["page"])["runner"]
    val = state.identity["val"]
    other_data = before["val"] and val and before["val"] != val
    if page.get("save_best") != settings.save_best or other_data:
        progress.best, progress.best_epoch, progress.best_file = None, progress.epoch, ""
        progress.stopped_early = False
    if page.get("early_stop") != settings.early_stop:
        progress.stopped_early = False
    name = progress.best_file
    if name and not distributed.broadcast((folder / name).is_file()):
        log.warning(
            f"the best weights so far, {name}, are not in {folder}: the best of the epochs "
            "from here on is kept"
        )
        progress.best, progress.best_file = None, ""


def _where(progress: Progress, settings: Settings) -> str:
    """How far a resumed run is."""
    if progress.step:
        return f"step {progress.step} of epoch {progress.epoch + 1}"
    if progress.stopped_early:
        return f"epoch {progress.epoch}: nothing is left to train, it stopped early"
    done = progress.epoch >= settings.epochs
    return f"epoch {progress.epoch}" + ": nothing is left to train" * done


def differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, str]]:
    """(config path, sentence) of every value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            name = f"{where}.{key}" if where else key
            if key not in new:
                yield name, f"{name}: {_short(old[key])} -> (gone)"
            elif key not in old:
                yield name, f"{name}: (new) -> {_short(new[key])}"
            else:
                yield from differences(old[key], new[key], name)
    elif old != new:
        yield where, f"{where}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _matches(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)
