"""The model on its device: in which arithmetic, layout and batch norm, compiled, shared."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hrpose.engine.settings import RunSettings
from hrpose.errors import RunError
from hrpose.models.normalisation import group_batch_norm
from hrpose.processes import distributed

if TYPE_CHECKING:
    from hrpose.models import TopDown

Model = TypeVar("Model", bound="TopDown")

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(precision: str, device: torch.device) -> str:
    """'amp' made concrete: bf16 where the device has it, fp16 on older GPUs."""
    if precision != "amp":
        return precision
    if device.type != "cuda":
        return "bf16"
    # emulated bf16, which torch counts as support, is slow and has no convolutions
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def autocast(precision: str, device: torch.device) -> Any:
    """The context of a forward pass."""
    dtype = PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def convert_weights(model: nn.Module, precision: str) -> None:
    """Convert weights in place, once, that `autocast` would convert in every batch of inference.

    The answers under `autocast` stay the same to the bit.
    """
    for module in model.modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            module.to(PRECISIONS[precision])


def grad_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Scales the loss where gradients in fp16 would vanish; elsewhere it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16" and device.type == "cuda")


def on_device(model: Model, settings: RunSettings, device: torch.device) -> Model:
    """`model` on `device`, with the batch norm and the memory layout that `settings` ask for."""
    model = model.to(device).to(memory_format=settings.memory_format)
    if settings.batch_norm == "sync":
        if device.type != "cuda":
            raise RunError("runner.batch_norm='sync' needs GPUs; use 'frozen' or 'local' here")
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if settings.batch_norm_group:
        group_batch_norm(model, settings.batch_norm_group)
    return model


def wrapped(model: nn.Module, settings: RunSettings, device: torch.device) -> nn.Module:
    """What to call in a training step: `model` compiled, and shared with the other processes."""
    network = model
    if settings.compile:
        network = torch.compile(network)  # type: ignore[assignment]
    if distributed.world_size() > 1:
        ids = [device.index] if device.type == "cuda" else None
        options = inspect.signature(DistributedDataParallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in options else "broadcast_buffers"
        sync: dict[str, Any] = {name: False}  # the second name is that of torch before 2.14
        network = DistributedDataParallel(
            Shell(network), ids, gradient_as_bucket_view=True,
            bucket_cap_mb=settings.gradient_bucket_mb, **sync,
        )  # fmt: skip
        if settings.gradient_bf16:
            network.register_comm_hook(None, mean_in_bf16)
    return network


def mean_in_bf16(state, bucket):  # DistributedDataParallel refuses types that are strings
    """The mean of a bucket of gradients over the processes, exchanged in bf16.

    torch's own hook wants NCCL; gloo has bf16 as well.
    """
    gradients = bucket.buffer()
    short = gradients.to(torch.bfloat16).div_(distributed.world_size())
    done = torch.distributed.all_reduce(short, async_op=True).get_future()
    return done.then(lambda answer: gradients.copy_(answer.value()[0]))


class Shell(nn.Module):
    """Around a network: hooks on it do not get into the network, which is copied and compiled."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """What the network answers."""
        return self.network(images)


def to_training(model: nn.Module, settings: RunSettings) -> None:
    """Training mode; batch norm that is frozen stays as in evaluation."""
    model.train()
    if settings.batch_norm == "frozen":
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
