"""The most that memory and arithmetic allow: counted on the meta device, nothing is computed.

Every operation that a forward (and backward) pass dispatches is counted with the bytes that it
must read and write. Two countings:

- op by op: each operation reads its inputs from memory and writes its results there. BatchNorm in
  training reads its input twice (statistics, then normalisation), its backward pass reads both
  inputs twice; the backward pass of a convolution reads the gradient twice (for image and weight).
- fused: ReLU, its backward pass and all copies cost nothing; a sum reads one of its terms, since
  the other is made where it is needed; statistics are gathered where the input is made. In
  inference, BatchNorm costs nothing either: it is folded into the convolution before it.

No tensor stays in a cache from one operation to the next. Adam reads weight, gradient and two
moments, and writes weight and two moments: 28 bytes a parameter and step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_ADAM_BYTES = 28


@dataclass(frozen=True)
class Traffic:
    """Bytes of one pass: what each image adds, and what a batch costs whatever its size."""

    image: float
    batch: float

    def per_image(self, batch_size: int) -> float:
        """Bytes an image in a batch of `batch_size`."""
        return self.image + self.batch / batch_size


def traffic(
    model: nn.Module, input_size: tuple[int, int], dtype: torch.dtype, training: bool
) -> tuple[Traffic, Traffic]:
    """Fused and op-by-op traffic of `model`, which stands on the meta device and stays as it is.

    Args:
        input_size: w, h of the images in px.
        dtype: of weights and activations; the optimizer's state is float32.
        training: forward, backward and optimizer step; else the forward pass alone.
    """
    before, was = model.training, next(model.parameters()).dtype
    model.to(dtype)
    try:
        two, three = (_count(model, input_size, batch, dtype, training) for batch in (2, 3))
    finally:
        model.to(was).train(before)
    step = _ADAM_BYTES * sum(p.numel() for p in model.parameters()) if training else 0
    fused, unfused = (
        Traffic(float(more - few), float(3 * few - 2 * more + step))
        for few, more in zip(two, three, strict=True)
    )
    return fused, unfused


def _count(
    model: nn.Module, input_size: tuple[int, int], batch: int, dtype: torch.dtype, training: bool
) -> tuple[int, int]:
    width, height = input_size
    images = torch.empty((batch, 3, height, width), device="meta", dtype=dtype)
    model.train(training)
    meter = _Meter(training)
    with torch.set_grad_enabled(training), meter:
        heatmaps = model(images)
        if training:
            heatmaps.backward(torch.empty_like(heatmaps))
    for parameter in model.parameters():
        parameter.grad = None
    return meter.fused, meter.unfused


class _Meter(TorchDispatchMode):
    """Adds up the bytes of every operation."""

    def __init__(self, training: bool) -> None:
        super().__init__()
        self.training = training
        self.fused = self.unfused = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__
        if func.is_view or name.startswith("empty"):
            return result
        read = [_bytes(value) for value in tree_leaves((args, kwargs or {}))]
        written = [_bytes(value) for value in tree_leaves(result)]
        fused, unfused = _cost(name, read, written, self.training)
        self.fused += fused
        self.unfused += unfused
        return result


def _cost(name: str, read: list[int], written: list[int], training: bool) -> tuple[int, int]:
    """Bytes of one operation, fused and alone, from those of its inputs and results, in order."""
    once = sum(read) + sum(written)
    if "convolution_backward" in name:
        products = sum(size > 0 for size in written[:2])  # for image and weight, where wanted
        return (once + (products - 1) * read[0],) * 2
    if "convolution" in name or "mm" in name:
        return once, once
    if "batch_norm" in name and "backward" in name:
        return (once + read[0] + read[1],) * 2
    if "batch_norm" in name:
        return (once, once + read[0]) if training else (0, once)
    if name in ("add", "add_"):
        return sum(written), once
    if "upsample" in name:
        return min(sum(read), sum(written)), once
    return 0, once


def _bytes(value: Any) -> int:
    return value.numel() * value.element_size() if isinstance(value, Tensor) else 0
