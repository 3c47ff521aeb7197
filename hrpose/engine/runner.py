"""The training loop in plain sight: epochs, steps, validation, checkpoints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hrpose.engine import checkpoint, distributed
from hrpose.engine.ema import EMA
from hrpose.engine.log import Meter, RunLog, draw_curves, duration, memory
from hrpose.engine.precision import autocast, resolve_precision
from hrpose.engine.settings import RunSettings
from hrpose.errors import CheckpointError, RunError

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from hrpose.engine.evaluate import Report
    from hrpose.engine.schedule import Schedule
    from hrpose.models import TopDown


@dataclass
class Progress:
    """How far a run is: what a checkpoint adds to tensors."""

    epoch: int = 0
    iteration: int = 0
    best: float | None = None
    best_epoch: int = 0
    best_file: str = ""


class Runner:
    """Trains one model in one run directory.

    Args:
        model: built on the CPU; moved to `device` here.
        make_optimizer: from parameters to an optimizer with the base learning rate.
        validate: from a model to the report of the validation set.
        higher_is_better: whether `settings.save_best` is.
        identity: digests that tell which config and annotations the run is made of.
    """

    def __init__(
        self,
        model: TopDown,
        make_optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        settings: RunSettings,
        loader: DataLoader,
        validate: Callable[[TopDown], Report] | None,
        higher_is_better: bool,
        log: RunLog,
        work_dir: Path,
        device: torch.device,
        identity: dict[str, str],
    ) -> None:
        self.settings, self.schedule, self.loader = settings, schedule, loader
        self.validate, self.higher_is_better = validate, higher_is_better
        self.log, self.work_dir, self.device, self.identity = log, work_dir, device, identity
        self.precision = resolve_precision(settings.precision, device)
        self.model: TopDown = model.to(device).to(memory_format=settings.memory_format)
        if settings.batch_norm == "sync":
            if device.type != "cuda":
                raise RunError("runner.batch_norm='sync' needs GPUs; use 'frozen' or 'local' here")
            self.model = nn.SyncBatchNorm.convert_sync_batchnorm(self.model)
        self.codec, self.loss = self.model.codec, self.model.loss
        self.optimizer = make_optimizer(params=self.model.parameters())
        self.base_lr = [group["lr"] for group in self.optimizer.param_groups]
        use_scaler = self.precision == "fp16" and device.type == "cuda"
        self.scaler = torch.amp.GradScaler(device.type, enabled=use_scaler)
        self.ema = EMA(self.model, settings.ema) if settings.ema else None
        self.network = self._wrap()
        self.iters_per_epoch = math.ceil(len(loader) / settings.accumulate)
        self.progress = Progress()
        self.meter = Meter()
        self.unreadable = 0

    def _wrap(self) -> nn.Module:
        network: nn.Module = self.model
        if self.settings.compile:
            network = torch.compile(network)  # type: ignore[assignment]
        if distributed.world_size() > 1:
            ids = [self.device.index] if self.device.type == "cuda" else None
            network = DistributedDataParallel(
                network, ids, broadcast_buffers=False, gradient_as_bucket_view=True
            )
        return network

    def train(self) -> Progress:
        """Go on from `progress` to the last epoch, or to an early stop."""
        settings, progress = self.settings, self.progress
        while progress.epoch < settings.epochs:
            self.train_epoch(progress.epoch)
            progress.epoch += 1
            last = progress.epoch == settings.epochs
            due = self.validate and (progress.epoch % settings.val_interval == 0 or last)
            if self.validate and due:
                self.run_validation(self.validate)
            self.save(numbered=last or progress.epoch % settings.save_interval == 0)
            waited = progress.epoch - progress.best_epoch
            if (
                due
                and settings.early_stop
                and waited >= settings.early_stop * settings.val_interval
            ):
                self.log.info(
                    f"early stop: no better {settings.save_best} since epoch {progress.best_epoch}"
                )
                break
        return progress

    def train_epoch(self, epoch: int) -> None:
        """One pass over the training set."""
        self.loader.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
        self.model.train()
        if self.settings.batch_norm == "frozen":
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        self.meter.reset()
        title = f"epoch {epoch + 1}/{self.settings.epochs}"
        groups = self.meter.waiting(_groups(self.loader, self.settings.accumulate))
        shown = self.log.progress(groups, self.iters_per_epoch, title)
        for step, batches in enumerate(shown, start=1):
            for message in itertools.chain(*(batch["bad"] for batch in batches)):
                self.unreadable += 1
                self.log.warning(f"unreadable image number {self.unreadable}: {message}")
            loss = self.train_step(batches)
            self.meter.add(loss, sum(len(batch["images"]) for batch in batches))
            self.progress.iteration += 1
            if step % self.settings.log_interval == 0 or step == self.iters_per_epoch:
                self.report_training(epoch)

    def train_step(self, batches: list[dict[str, Any]]) -> torch.Tensor:
        """Forward, loss, backward, optimizer step: one update from one or more batches."""
        rate = self.schedule.factor(
            self.progress.iteration, self.iters_per_epoch, self.settings.epochs
        )
        for group, base in zip(self.optimizer.param_groups, self.base_lr, strict=True):
            group["lr"] = base * rate
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for number, batch in enumerate(batches, start=1):
            images = batch["images"].to(self.device, non_blocking=True)
            keypoints = batch["keypoints"].to(self.device, non_blocking=True)
            visible = batch["visible"].to(self.device, non_blocking=True)
            wait = number < len(batches) and isinstance(self.network, DistributedDataParallel)
            with self.network.no_sync() if wait else nullcontext():  # type: ignore[operator]
                with autocast(self.precision, self.device):
                    heatmaps = self.network(images)
                target, weight = self.codec.encode(keypoints, visible)
                loss = self.loss(heatmaps.float(), target, weight) / len(batches)
                self.scaler.scale(loss).backward()
            losses.append(loss.detach())
        if self.settings.clip_grad:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_grad)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.ema:
            self.ema.update(self.model)
        return torch.stack(losses).sum()

    def report_training(self, epoch: int) -> None:
        """One line of progress; the only place where losses leave the device."""
        progress, world = self.progress, distributed.world_size()
        loss = distributed.mean(self.meter.loss()).item()
        if not math.isfinite(loss):
            raise RunError(
                f"the loss is {loss} at iteration {progress.iteration}: lower optimizer.lr, set "
                "runner.clip_grad, or use runner.precision='fp32'; the last checkpoint is untouched"
            )
        rate = self.optimizer.param_groups[0]["lr"]
        images, seconds, wait = self.meter.speed()
        left = self.settings.epochs * self.iters_per_epoch - progress.iteration
        step = progress.iteration - epoch * self.iters_per_epoch
        self.log.info(
            f"epoch {epoch + 1}/{self.settings.epochs} step {step}/{self.iters_per_epoch}  "
            f"loss {loss:.6f}  lr {rate:.2e}  {images * world:.1f} img/s  data wait {wait:.1%}  "
            f"{memory(self.device)}  ETA {duration(left * seconds)}"
        )
        self.log.record("train", epoch, progress.iteration, loss=loss, lr=rate)
        self.log.board(
            progress.iteration, train__loss=loss, train__lr=rate, speed__img_per_s=images * world,
            speed__data_wait=wait,
        )  # fmt: skip
        self.meter.reset()

    def run_validation(self, validate: Callable[[TopDown], Report]) -> None:
        """Score the current weights and keep them if they are the best so far."""
        model = self.evaluated
        if distributed.world_size() > 1:
            for buffer in model.buffers():  # BatchNorm statistics are each process's own
                torch.distributed.broadcast(buffer, src=0)
        report = validate(model)
        progress, name = self.progress, self.settings.save_best
        shown = ", ".join(f"{k} {v:.4f}" for k, v in report.values.items() if v is not None)
        self.log.info(f"epoch {progress.epoch} validation: {shown}")
        self.log.record("val", progress.epoch, progress.iteration, metrics=report.values)
        self.log.board(progress.iteration, **{f"val__{k}": v for k, v in report.values.items()})
        value = report.values.get(name) if name else None
        if name and value is not None and self._better(value):
            old, progress.best, progress.best_epoch = progress.best_file, value, progress.epoch
            progress.best_file = f"best_{name}_epoch_{progress.epoch}.pth"
            if distributed.rank() == 0:
                checkpoint.save(self._weights(), self.work_dir / progress.best_file)
                if old:
                    (self.work_dir / old).unlink(missing_ok=True)
        if distributed.rank() == 0:
            draw_curves(self.work_dir)

    def _better(self, value: float) -> bool:
        best = self.progress.best
        return best is None or (value > best if self.higher_is_better else value < best)

    @property
    def evaluated(self) -> TopDown:
        """The model to validate and to keep: the moving average where there is one."""
        return self.ema.model if self.ema else self.model

    def _weights(self) -> dict[str, Any]:
        return {
            "state_dict": self.evaluated.state_dict(),
            "meta": {**vars(self.progress), **self.identity},
        }

    def save(self, numbered: bool) -> None:
        """Write `latest.pth`, and give it the name `epoch_N.pth` where it is to stay."""
        if distributed.rank() != 0:
            return
        state = {
            **self._weights(),
            "train_state_dict": self.model.state_dict() if self.ema else None,
            "ema_updates": self.ema.updates if self.ema else 0,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }
        latest = self.work_dir / checkpoint.LATEST
        checkpoint.save(state, latest)
        if numbered:
            checkpoint.link(latest, self.work_dir / f"epoch_{self.progress.epoch}.pth")
            if self.settings.keep_checkpoints:
                for path in checkpoint.epoch_files(self.work_dir)[
                    : -self.settings.keep_checkpoints
                ]:
                    path.unlink(missing_ok=True)

    def resume(self, path: Path) -> None:
        """Put the whole state of a run back: weights, optimizer, counters, generators."""
        state = checkpoint.read(path)
        try:
            self.model.load_state_dict(state["train_state_dict"] or state["state_dict"])
            if self.ema:
                self.ema.model.load_state_dict(state["state_dict"])
                self.ema.updates = state["ema_updates"]
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            lines = str(error).splitlines()
            raise CheckpointError(
                f"{path}: does not fit this config ({' '.join(lines[:2]).strip()[:200]}); "
                "resume with the config of that run"
            ) from error
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["torch_rng"])
        meta = state["meta"]
        self.progress = Progress(**{name: meta[name] for name in vars(self.progress)})
        self.log.rewind(self.progress.iteration)
        self.log.info(f"resumed from {path} after epoch {self.progress.epoch}")


def _groups(batches: Any, size: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(batches)
    while group := list(itertools.islice(iterator, size)):
        yield group
