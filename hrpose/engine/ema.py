"""Exponential moving average of the weights."""

import copy

import torch
from torch import nn


class EMA:
    """A second model whose parameters follow the trained ones; buffers are copied.

    The decay grows as (1 + n) / (10 + n) up to `decay`, so that the first steps do not linger.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Follow `model` by one optimizer step."""
        self.updates += 1
        decay = min(self.decay, self.updates / (9 + self.updates))
        ours, theirs = list(self.model.parameters()), list(model.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)
        for mine, other in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(other)
