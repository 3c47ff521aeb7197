"""The training loop in plain sight: epochs, steps, validation, checkpoints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrpose.engine.ema import EMA
from hrpose.engine.guard import StepGuard
from hrpose.engine.micro_batches import MicroBatches, in_steps, out_of_memory
from hrpose.engine.network import on_device, to_training, wrapped
from hrpose.engine.precision import autocast, resolve_precision
from hrpose.engine.settings import RunSettings
from hrpose.errors import DataError, LoaderError
from hrpose.processes import distributed
from hrpose.processes.interrupt import Interrupts, stopped
from hrpose.rundir import state
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.rundir.meter import Meter, duration, memory
from hrpose.rundir.state import Progress

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from hrpose.engine.evaluate import Report
    from hrpose.engine.schedule import Schedule
    from hrpose.models import TopDown

Batch = dict[str, Any]


class Runner:
    """Trains one model in one run directory.

    Args:
        model: built on the CPU; moved to `device` here.
        make_optimizer: from parameters to an optimizer with the base learning rate.
        validate: from a model, and a function to call now and then, to the report of the
            validation set.
        higher_is_better: whether `settings.save_best` is.
        identity: what the run is made of; stands in its checkpoints.
    """

    def __init__(
        self,
        model: TopDown,
        make_optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        settings: RunSettings,
        loader: DataLoader,
        validate: Callable[[TopDown, Callable[[], None]], Report] | None,
        higher_is_better: bool,
        log: RunLog,
        work_dir: Path,
        device: torch.device,
        identity: dict[str, Any],
    ) -> None:
        self.settings, self.schedule, self.loader = settings, schedule, loader
        self.validate, self.higher_is_better = validate, higher_is_better
        self.log, self.work_dir, self.device, self.identity = log, work_dir, device, identity
        self.precision = resolve_precision(settings.precision, device)
        self.model = on_device(model, settings, device)
        self.codec, self.loss = self.model.codec, self.model.loss
        self.optimizer = make_optimizer(params=self.model.parameters())
        self.base_lr = [group["lr"] for group in self.optimizer.param_groups]
        use_scaler = self.precision == "fp16" and device.type == "cuda"
        self.scaler = torch.amp.GradScaler(device.type, enabled=use_scaler)
        self.ema = EMA(self.model, settings.ema) if settings.ema else None
        self.network = wrapped(self.model, settings, device)
        self.iters_per_epoch = math.ceil(len(loader) / settings.accumulate)
        self.progress = Progress()
        self.meter = Meter()
        describe = loader.dataset.describe  # type: ignore[attr-defined]
        self.guard = StepGuard(
            self.model, settings.max_skipped, self.progress, describe, log.warning
        )
        self.micro_batches = MicroBatches(self.network, self.progress, log)
        self.keeper = Keeper(work_dir, settings.keep_checkpoints, settings.save_best, log)
        self.interrupts = Interrupts()

    def train(self) -> Progress:
        """Go on from `progress` to the last epoch, or to an early stop.

        Raises:
            RunStopped: SIGTERM or Ctrl-C came; the run is saved at the step where it stopped.
            RunError: it cannot go on, or its end cannot be saved.
        """
        progress = self.progress
        with self.interrupts:
            while progress.epoch < self.settings.epochs and not progress.stopped_early:
                try:
                    self.train_epoch(progress.epoch)
                except (DataError, LoaderError):  # once mended, the run goes on from here
                    if progress.iteration and distributed.world_size() == 1:
                        self.save()
                    raise
                self.finish_epoch(progress.epoch + 1)
        self.keeper.finish()
        return progress

    def train_epoch(self, epoch: int) -> None:
        """What is left of one pass over the training set."""
        progress, settings = self.progress, self.settings
        self.loader.batch_sampler.set_epoch(epoch, progress.step * settings.accumulate)  # type: ignore[union-attr]
        to_training(self.model, settings)
        self.meter.restart()
        title = f"epoch {epoch + 1}/{settings.epochs}"
        groups = self.meter.waiting(in_steps(self.loader, settings.accumulate))
        for batches in self.log.progress(groups, self.iters_per_epoch, title, progress.step):
            for message in itertools.chain(*(batch["bad"] for batch in batches)):
                progress.unreadable += 1
                self.log.warning(f"unreadable image number {progress.unreadable}: {message}")
            loss = self.train_step(batches)
            self.meter.add(loss, sum(len(batch["images"]) for batch in batches))
            progress.iteration += 1
            progress.step += 1
            if progress.step % settings.log_interval == 0 or progress.step == self.iters_per_epoch:
                self.report_training(epoch)
            self.pause()

    def train_step(self, batches: list[Batch]) -> torch.Tensor:
        """Forward, loss, backward, optimizer step: one update from one or more batches."""
        self._set_rate()
        animals = max(len(batch["images"]) for batch in batches)
        failure, again = "", True
        while again:  # once, unless memory runs out or processes rehearse
            self.optimizer.zero_grad(set_to_none=True)
            self.guard.keep()
            losses, failure = [], ""
            try:
                for tensors, divisor, context in self.micro_batches.parts(batches):
                    images, keypoints, visible = (
                        tensor.to(self.device, non_blocking=True) for tensor in tensors
                    )
                    with context:
                        with autocast(self.precision, self.device):
                            heatmaps = self.network(images)
                        target, weight = self.codec.encode(keypoints, visible)
                        loss = self.loss(heatmaps.float(), target, weight) / divisor
                        self.scaler.scale(loss).backward()
                    losses.append(loss.detach())
            except RuntimeError as error:
                failure = out_of_memory(error)
                if not failure:
                    raise
            heatmaps = loss = None  # the error and its traceback are gone: now the graph goes too
            again = self.micro_batches.again(failure, animals)
            if again:
                self.guard.undo()
        finite = self.guard.step(self.optimizer, self.scaler, self.settings.clip_grad)
        if self.ema:
            self.ema.update(self.model)
        indices = [index for batch in batches for index in batch["index"].tolist()]
        self.guard.note(self.progress.iteration, finite, indices)
        return torch.where(finite, torch.stack(losses).sum(), math.nan)

    def _set_rate(self) -> None:
        rate = self.schedule.factor(
            self.progress.iteration, self.iters_per_epoch, self.settings.epochs
        )
        for group, base in zip(self.optimizer.param_groups, self.base_lr, strict=True):
            group["lr"] = base * rate

    def pause(self) -> None:
        """Between two steps: save where it is time to, stop where a signal asked for it."""
        signal = self.interrupts.asked()
        steps, step = self.settings.save_steps, self.progress.step
        if signal or (steps and step % steps == 0 and step < self.iters_per_epoch):
            self.save()
        if signal:
            distributed.largest(signal)  # nobody leaves while the checkpoint is being written
            raise stopped(signal)

    def finish_epoch(self, number: int) -> None:
        """Validate where it is due, and save; `number` counts the epoch that ends."""
        settings, progress = self.settings, self.progress
        last = number == settings.epochs
        due = bool(settings.val_interval) and (number % settings.val_interval == 0 or last)
        if self.validate and due:
            self.save()  # so that nothing which happens in the validation costs the epoch
            self.run_validation(self.validate, number)
            waited = number - progress.best_epoch
            patience = (settings.early_stop or math.inf) * settings.val_interval
            progress.stopped_early = waited >= patience and not last
        progress.epoch, progress.step = number, 0
        self.save(number if last or number % settings.save_interval == 0 else None)
        if progress.stopped_early:
            self.log.info(
                f"early stop: no better {settings.save_best} since epoch {progress.best_epoch}"
            )

    def report_training(self, epoch: int) -> None:
        """One line of progress; the only place where losses leave a GPU."""
        self.guard.examine()
        progress, world = self.progress, distributed.world_size()
        mean = self.meter.losses().nanmean().item()
        loss = mean if math.isfinite(mean) else None  # None: every step was skipped
        rate = self.optimizer.param_groups[0]["lr"]
        images, seconds, wait = self.meter.speed()
        left = self.settings.epochs * self.iters_per_epoch - progress.iteration
        self.log.info(
            f"epoch {epoch + 1}/{self.settings.epochs} step {progress.step}/{self.iters_per_epoch}"
            f"  loss {mean:.6f}  lr {rate:.2e}  {images * world:.1f} img/s  data wait {wait:.1%}  "
            f"{memory(self.device)}  ETA {duration(left * seconds)}"
        )
        self.log.record("train", epoch, progress.iteration, loss=loss, lr=rate)
        self.log.board(
            progress.iteration, train__loss=loss, train__lr=rate, speed__img_per_s=images * world,
            speed__data_wait=wait,
        )  # fmt: skip
        self.meter.reset()

    def run_validation(
        self, validate: Callable[[TopDown, Callable[[], None]], Report], number: int
    ) -> None:
        """Score the weights after epoch `number`, and keep them if they are the best so far."""
        model = self.evaluated
        if distributed.world_size() > 1:
            for buffer in model.buffers():  # BatchNorm statistics are each process's own
                torch.distributed.broadcast(buffer, src=0)
        report = validate(model, self.interrupts.check)
        progress, name = self.progress, self.settings.save_best
        shown = ", ".join(f"{k} {v:.4f}" for k, v in report.values.items() if v is not None)
        self.log.info(f"epoch {number} validation: {shown}")
        self.log.record("val", number, progress.iteration, metrics=report.values)
        self.log.board(progress.iteration, **{f"val__{k}": v for k, v in report.values.items()})
        value = report.values.get(name) if name else None
        if name and value is not None and math.isfinite(value) and self._better(value):
            progress.best, progress.best_epoch = value, number
            progress.best_file = f"best_{name}_epoch_{number}.pth"
            if distributed.rank() == 0:
                self.keeper.save_best(state.weights(self), progress.best_file)
        self.log.curves()

    def _better(self, value: float) -> bool:
        best = self.progress.best
        return best is None or (value > best if self.higher_is_better else value < best)

    @property
    def evaluated(self) -> TopDown:
        """The model to validate and to keep: the moving average where there is one."""
        return self.ema.model if self.ema else self.model

    @property
    def step_size(self) -> int:
        """Animals in a full optimizer step, over all processes."""
        batch: int = self.loader.batch_sampler.batch_size  # type: ignore[union-attr]
        return batch * self.settings.accumulate * distributed.world_size()

    def save(self, epoch: int | None = None) -> None:
        """Write `latest.pth`, and the same as `epoch_N.pth` where `epoch` says that it is to stay.

        With several processes all must call it.
        """
        self.guard.examine()
        losses = self.meter.losses()
        if distributed.rank() == 0:
            self.keeper.save(state.snapshot(self, losses), self.progress.best_file, epoch)
