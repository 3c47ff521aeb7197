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

from hrpose.models.cost import cost

_ADAM_BYTES = 28


@dataclass(frozen=True)
class Demand:
    """What a model asks of the machine; bytes with 4 an element, fused and op by op."""

    flop: float
    """Of one image's forward pass; a multiply-add is two."""
    image: tuple[int, int]
    """Bytes that each image adds."""
    batch: tuple[int, int]
    """Bytes that a batch costs whatever its size: the weights, and in training their gradients."""
    optimizer: int
    """Bytes of a step of Adam; 0 in inference."""

    def bytes_per_image(self, dtype: torch.dtype, batch_size: int) -> tuple[float, float]:
        """Fused and op by op, an image of a batch, with activations and weights in `dtype`; the
        optimizer's state stays float32.
        """
        size = dtype.itemsize / 4
        fused, alone = (
            image * size + (batch * size + self.optimizer) / batch_size
            for image, batch in zip(self.image, self.batch, strict=True)
        )
        return fused, alone


def demand(model: nn.Module, input_size: tuple[int, int], training: bool) -> Demand:
    """Count `model`, which stands on the meta device in float32.

    Args:
        input_size: w, h of the images in px.
        training: forward, backward and optimizer step; else the forward pass alone.
    """
    before = model.training
    try:
        two, three = (_count(model, input_size, batch, training) for batch in (2, 3))
    finally:
        model.train(before)
    image = (three[0] - two[0], three[1] - two[1])
    parameters = sum(p.numel() for p in model.parameters())
    return Demand(
        flop=2 * cost(model, input_size).macs,
        image=image,
        batch=(two[0] - 2 * image[0], two[1] - 2 * image[1]),
        optimizer=_ADAM_BYTES * parameters if training else 0,
    )


def _count(
    model: nn.Module, input_size: tuple[int, int], batch: int, training: bool
) -> tuple[int, int]:
    """Bytes of one pass of `batch` images, fused and op by op."""
    width, height = input_size
    images = torch.empty((batch, 3, height, width), device="meta")
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
