"""Exponential moving average of the weights."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


class EMA(Generic[Model]):
    """A second model whose parameters follow the trained ones; buffers are copied.

    The decay grows as (1 + n) / (10 + n) up to `decay`, so that the first steps do not linger.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: Model) -> None:
        """Follow `model` by one optimizer step."""
        self.updates += 1
        decay = min(self.decay, self.updates / (9 + self.updates))
        ours: list[torch.Tensor] = list(self.model.parameters())
        theirs: list[torch.Tensor] = list(model.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)
        torch._foreach_copy_(list(self.model.buffers()), list(model.buffers()))
