"""The `runner` and `data` parts of a config page, checked."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from hrpose.config.registry import register


@register
@dataclass(frozen=True)
class RunSettings:
    """How a run goes: the `runner` of a page.

    Args:
        epochs: length of the run.
        val_interval: validate every so many epochs and after the last; 0 means never.
        save_interval: keep `epoch_N.pth` every so many epochs; `latest.pth` is written each epoch.
        save_steps: write `latest.pth` every so many optimizer steps too; for long epochs.
        save_minutes: write it too once so many minutes have passed since the last save, by the
            clock of the first process; when it is written changes nothing that is learned.
        keep_checkpoints: how many `epoch_N.pth` stay; the oldest go first; None keeps all.
        save_best: name of the metric whose best checkpoint is kept; None keeps none.
        precision: arithmetic of the forward pass; 'amp' is bf16 where the device has it, else fp16.
        tf32: on a GPU, convolutions in fp32 may round to TF32 (10 bits of mantissa), as is torch's
            own default; never with `deterministic`.
        accumulate: batches per optimizer step.
        clip_grad: largest gradient norm; None leaves gradients alone.
        max_loss_growth: end where the median loss is more than so many times the first step's; None
            for a loss that cannot be judged so.
        max_skipped: end after so many steps in a row whose gradient is not finite; each is skipped.
        ema: decay of the moving average of the weights, e.g. 0.999; None means no average.
        early_stop: end after so many validations without a better `save_best`.
        batch_norm: 'local' statistics per process, 'sync' over processes (GPU), 'frozen' as loaded.
        batch_norm_group: statistics of this many animals each within a larger batch of one process,
            as several processes with smaller batches have them; None takes the whole batch.
        base_batch_size: animals per optimizer step for which optimizer.lr was chosen.
        auto_scale_lr: multiply the rate by the real batch over base_batch_size.
        log_interval: optimizer steps between log lines.
        agree_steps: several processes ask one another for signals every so many steps, and where
            that is more than 1, for memory only until a hundred steps went well; None is 1 on CPUs
            and 10 on GPUs, whose steps are short.
        gradient_bucket_mb: several processes exchange gradients in parts of so many MB, each while
            the backward pass goes on; 25 is torch's own default.
        gradient_bf16: exchange them in bf16, which is half the bytes and rounds them.
        deterministic: only deterministic kernels, and no TF32.
        device: 'auto' is a GPU if there is one.
    """

    epochs: int
    val_interval: int = 10
    save_interval: int = 10
    save_steps: int | None = None
    save_minutes: float | None = None
    keep_checkpoints: int | None = 3
    save_best: str | None = None
    precision: Literal["fp32", "bf16", "fp16", "amp"] = "fp32"
    tf32: bool = True
    channels_last: bool = True
    compile: bool = False
    accumulate: int = 1
    clip_grad: float | None = None
    max_loss_growth: float | None = 100
    max_skipped: int = 10
    ema: float | None = None
    early_stop: int | None = None
    batch_norm: Literal["local", "sync", "frozen"] = "local"
    batch_norm_group: int | None = None
    base_batch_size: int | None = None
    auto_scale_lr: bool = False
    log_interval: int = 50
    agree_steps: int | None = None
    gradient_bucket_mb: int = 25
    gradient_bf16: bool = False
    seed: int = 0
    deterministic: bool = False
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"

    def __post_init__(self) -> None:
        or_none = ", or None"
        _require(
            *_below(1, self, "epochs", "save_interval", "accumulate", "log_interval"),
            *_below(1, self, "max_skipped", "gradient_bucket_mb"),
            *_below(1, self, "keep_checkpoints", "early_stop", "base_batch_size", end=or_none),
            *_below(1, self, "save_steps", "batch_norm_group", "agree_steps", end=or_none),
            *_below(0, self, "val_interval"),
            *self._odd_numbers(),
            *self._contradictions(),
        )

    def _odd_numbers(self) -> Iterator[str]:
        if not 0 <= self.seed < 2**63:
            yield f"seed is {self.seed}: expected 0 or more, and less than 2^63"
        if self.save_minutes is not None and not 0 < self.save_minutes < math.inf:
            yield f"save_minutes is {self.save_minutes}: expected more than 0, or None"
        if self.ema is not None and not 0 < self.ema < 1:
            yield f"ema is {self.ema}: expected a decay between 0 and 1, or None"
        if self.clip_grad is not None and self.clip_grad <= 0:
            yield f"clip_grad is {self.clip_grad}: expected a norm above 0, or None"
        if self.max_loss_growth is not None and self.max_loss_growth <= 1:
            yield f"max_loss_growth is {self.max_loss_growth}: expected a factor above 1, or None"

    def _contradictions(self) -> Iterator[str]:
        if self.early_stop and not self.val_interval:
            yield "early_stop needs validations: val_interval is 0, expected 1 or more"
        if self.early_stop and not self.save_best:
            yield "early_stop needs save_best, the metric that is to become better"
        if self.batch_norm_group and self.batch_norm == "sync":
            yield "batch_norm_group cannot go with batch_norm='sync'"
        if self.auto_scale_lr and self.base_batch_size is None:
            yield "auto_scale_lr needs base_batch_size, the batch that lr was chosen for"

    @property
    def memory_format(self) -> torch.memory_format:
        """Layout of the model's weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


@register
@dataclass(frozen=True)
class DataSettings:
    """How animals are read: the `data` of a page without its three data sets.

    Args:
        root: folder that file names of the data sets start from.
        batch_size: animals per process and batch in training.
        val_batch_size: the same in validation and test.
        workers: loader processes per process, at most as many as there are processors.
        timeout: a batch that takes loader processes longer than this many seconds is an error.
        check: look at the images before a run: by 'headers', decoding those whose header does not
            tell enough; or decode each in 'full'.
    """

    batch_size: int
    val_batch_size: int = 32
    workers: int = 4
    root: str = ""
    timeout: float = 600
    check: Literal["headers", "full", "off"] = "headers"

    def __post_init__(self) -> None:
        _require(
            *_below(1, self, "batch_size", "val_batch_size"),
            *_below(0, self, "workers", "timeout"),
        )


def _below(least: int, settings: object, *names: str, end: str = "") -> Iterator[str]:
    """A sentence for each of the values `names` that is less than `least`."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and value < least:
            yield f"{name} is {value}: expected {least} or more{end}"


def _require(*problems: str) -> None:
    """ValueError with all `problems`, if there are any."""
    if problems:
        raise ValueError("; ".join(problems))
