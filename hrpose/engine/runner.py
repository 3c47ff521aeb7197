"""The training loop in plain sight: gradients, step, epoch, validation, checkpoint."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch

from hrpose.engine.guards.health import Health
from hrpose.engine.guards.skipped import SkippedSteps
from hrpose.engine.loading import cores_of_process
from hrpose.engine.memory import Memory, MicroBatch
from hrpose.engine.placement import autocast, resolve_precision, to_training, wrapped
from hrpose.engine.steps import BatchStatistics, clip_gradients, step_if_finite
from hrpose.errors import DataError, LoaderError
from hrpose.processes import distributed
from hrpose.processes.interrupt import Interrupts, stopped
from hrpose.rundir.meter import Meter
from hrpose.rundir.said import say_training, say_validation
from hrpose.rundir.state import Progress, steps_of

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from hrpose.engine.evaluate import Evaluator
    from hrpose.engine.optim import Schedule
    from hrpose.engine.settings import RunSettings
    from hrpose.models import TopDown
    from hrpose.rundir.keeper import Keeper
    from hrpose.rundir.log import RunLog
    from hrpose.rundir.state import RunState

Batch = dict[str, Any]


class Runner:
    """Trains the model of `state`, on its device, from where its progress stands.

    Args:
        loader: of the training set.
        evaluator: of the validation set; None trains without.
        higher_is_better: whether `settings.save_best` is.
        keeper: of the run directory.
    """

    def __init__(
        self,
        state: RunState[TopDown],
        schedule: Schedule,
        settings: RunSettings,
        loader: DataLoader,
        evaluator: Evaluator | None,
        higher_is_better: bool,
        keeper: Keeper,
        log: RunLog,
        device: torch.device,
    ) -> None:
        self.state, self.schedule, self.settings = state, schedule, settings
        self.loader, self.evaluator, self.higher_is_better = loader, evaluator, higher_is_better
        self.keeper, self.log, self.device = keeper, log, device
        self.precision = resolve_precision(settings.precision, device)
        self.network = wrapped(state.model, settings, device)
        self.codec, self.loss = state.model.codec, state.model.loss
        self.base_lr = [group["lr"] for group in state.optimizer.param_groups]
        self.iters_per_epoch = steps_of(state.identity)[0]
        self.statistics = BatchStatistics(state.model)
        agree_steps = settings.agree_steps or (10 if device.type == "cuda" else 1)
        self.memory = Memory(self.network, self.statistics, state.progress, log, agree_steps)
        self.describe = loader.dataset.describe  # type: ignore[attr-defined]
        self.skipped = SkippedSteps(
            state, settings.max_skipped, self.describe, log.warning, keeper.last_good
        )
        self.health = Health(state, settings.max_loss_growth, keeper.last_good, log.warning)
        self.meter = Meter(loader.num_workers, cores_of_process())
        self.interrupts = Interrupts(agree_steps)

    def train(self) -> Progress:
        """Go on to the last epoch, or to an early stop.

        Raises:
            RunStopped: SIGTERM or Ctrl-C came; the run is saved at the step where it stopped.
            RunError: it cannot go on, or its end cannot be saved.
        """
        progress = self.state.progress
        with self.interrupts, self.keeper:
            while progress.epoch < self.settings.epochs and not progress.stopped_early:
                try:
                    self.train_epoch(progress.epoch)
                except (DataError, LoaderError):  # once mended, the run goes on from here
                    if progress.iteration:
                        self.save_and_wait()
                    raise
                self.finish_epoch(progress.epoch + 1)
        self.keeper.finish()
        return progress

    def train_epoch(self, epoch: int) -> None:
        """What is left of one pass over the training set."""
        progress, settings = self.state.progress, self.settings
        self.loader.batch_sampler.set_epoch(epoch, progress.step * settings.accumulate)  # type: ignore[union-attr]
        to_training(self.state.model, settings)
        self.meter.restart()
        title = f"epoch {epoch + 1}/{settings.epochs}"
        groups = distributed.together(
            self.meter.waiting(in_steps(self.loader, settings.accumulate))
        )
        for batches in self.log.progress(groups, self.iters_per_epoch, title, progress.step):
            self._say_unreadable(batches)
            self.state.losses.add(self.train_step(batches))
            self.meter.add(sum(len(batch["images"]) for batch in batches))
            progress.iteration += 1
            progress.step += 1
            if progress.step % settings.log_interval == 0 or progress.step == self.iters_per_epoch:
                self.report(batches)
            self.pause()

    def train_step(self, batches: list[Batch]) -> torch.Tensor:
        """One update of the weights from one or more batches: its loss, NaN if it was skipped."""
        state = self.state
        self._set_rate()
        loss = self.memory.run(self.gradients, batches)
        norm = clip_gradients(state.optimizer, state.scaler, self.settings.clip_grad)
        finite = step_if_finite(state.optimizer, state.scaler, norm)
        self.statistics.put_back_where(~finite)
        if state.ema:
            state.ema.update(state.model)
        self.skipped.note(state.progress.iteration, finite, batches)
        return torch.where(finite, loss, math.nan)

    def gradients(self, parts: Iterable[MicroBatch]) -> torch.Tensor:
        """Forward, encode, loss, backward, over the parts of one step; returns the loss."""
        self.state.optimizer.zero_grad(set_to_none=True)
        losses = []
        for part in parts:
            images, keypoints, visible = part.to(self.device)
            with part.context:
                with autocast(self.precision, self.device):
                    heatmaps = self.network(images)
                target, weight = self.codec.encode(keypoints, visible)
                self.health.see(weight)
                loss = self.loss(heatmaps.float(), target, weight) / part.divisor
                self.state.scaler.scale(loss).backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def _set_rate(self) -> None:
        rate = self.schedule.factor(
            self.state.progress.iteration, self.iters_per_epoch, self.settings.epochs
        )
        for group, base in zip(self.state.optimizer.param_groups, self.base_lr, strict=True):
            group["lr"] = base * rate

    def _say_unreadable(self, batches: list[Batch]) -> None:
        progress = self.state.progress
        for message in itertools.chain(*(batch["bad"] for batch in batches)):
            progress.unreadable += 1
            self.log.warning(f"unreadable image number {progress.unreadable}: {message}")

    def pause(self) -> None:
        """Between two steps: save where it is time to, stop where a signal asked for it."""
        steps, step = self.settings.save_steps, self.state.progress.step
        signal = self.interrupts.asked_after(step, step == self.iters_per_epoch)
        if signal:
            self.save_and_wait()
            raise stopped(signal)
        if step < self.iters_per_epoch and (self.keeper.is_due() or (steps and step % steps == 0)):
            self.save()

    def finish_epoch(self, number: int) -> None:
        """Validate where it is due, and save; `number` counts the epoch that ends."""
        settings, progress = self.settings, self.state.progress
        last = number == settings.epochs
        due = bool(settings.val_interval) and (number % settings.val_interval == 0 or last)
        if self.evaluator and due:
            self.save()  # so that nothing which happens in the validation costs the epoch
            self.run_validation(self.evaluator, number)
            waited = number - progress.best_epoch
            patience = (settings.early_stop or math.inf) * settings.val_interval
            progress.stopped_early = waited >= patience and not last
        progress.epoch, progress.step = number, 0
        self.save(number if last or number % settings.save_interval == 0 else None)
        if progress.stopped_early:
            self.log.info(
                f"early stop: no better {settings.save_best} since epoch {progress.best_epoch}"
            )

    def report(self, batches: list[Batch]) -> None:
        """One line of progress; `batches` are those of the last step."""
        self.skipped.examine()
        losses = self.state.losses.values()
        if not self.health.report(losses):
            self.log.warning(
                "no point of the last steps had a target, so nothing was learned: no labelled "
                f"keypoint lies inside its crop, as of {self.describe(int(batches[0]['index'][0]))}"
            )
        say_training(self.state, losses, self.meter, self.settings.epochs, self.log, self.device)
        self.state.losses.begin()
        self.meter.restart()

    def run_validation(self, evaluator: Evaluator, number: int) -> None:
        """Score the weights after epoch `number`, and keep them if they are the best so far."""
        model = self.state.evaluated
        if distributed.world_size() > 1:
            for buffer in model.buffers():  # BatchNorm statistics are each process's own
                torch.distributed.broadcast(buffer, src=0)
        report = evaluator.evaluate(model, self.interrupts.check)
        progress, name = self.state.progress, self.settings.save_best
        say_validation(report.values, number, progress.iteration, self.log)
        value = report.values.get(name) if name else None
        if name and value is not None and math.isfinite(value) and self._better(value):
            progress.best, progress.best_epoch = value, number
            progress.best_file = f"best_{name}_epoch_{number}.pth"
            if distributed.rank() == 0:
                self.keeper.save_best(self.state.weights(), progress.best_file)

    def _better(self, value: float) -> bool:
        best = self.state.progress.best
        return best is None or (value > best if self.higher_is_better else value < best)

    def save_and_wait(self) -> None:
        """`save` before the end of a run: nobody leaves before the checkpoint is written."""
        self.save()
        self.keeper.wait()
        distributed.largest(0)

    def save(self, epoch: int | None = None) -> None:
        """Keep `latest.pth`, and the same as `epoch_N.pth` where `epoch` says that it is to stay.

        The state is copied here and written in a thread. With several processes all must call it.

        Raises:
            RunError: the weights are ruined; the checkpoints stay as they are.
        """
        self.skipped.examine()
        self.health.require_sound()
        snapshot = self.state.snapshot()
        if distributed.rank() == 0:
            self.keeper.save(snapshot, self.state.progress.best_file, epoch)


def in_steps(batches: Iterable[Batch], accumulate: int) -> Iterator[list[Batch]]:
    """`batches` as optimizer steps take them: `accumulate` each, perhaps fewer in the last."""
    iterator = iter(batches)
    while group := list(itertools.islice(iterator, accumulate)):
        yield group
