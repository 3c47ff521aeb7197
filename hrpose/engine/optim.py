"""Optimizers and learning rates.

torch's optimizers stand here under their own names, fused where the device has a fused kernel. A
learning rate is a pure function of the iteration: a resumed run needs no state of its schedule.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch.nn import Parameter

from hrpose.config.registry import register

Warmup = Literal["linear", "constant", "exp"]

# torch imports its compiler (1 s) to keep this method out of what is compiled, and optimizers are
# made to check pages, too; only networks are compiled here
if _inside := getattr(torch.optim.Optimizer.add_param_group, "__wrapped__", None):
    _inside.__dynamo_disable = _inside


def _require(lr: float, eps: float = 1.0, momentum: float = 0.0) -> None:
    """ValueError for what torch takes, and what trains nothing or makes NaN of zero gradients."""
    if not lr > 0:
        raise ValueError(f"lr {lr}: must be above 0")
    if not eps > 0:
        raise ValueError(f"eps {eps}: must be above 0")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum {momentum}: must be from 0 to below 1")


def _fused(params: list[Parameter]) -> dict[str, Any]:
    return {"fused": True} if params and params[0].device.type in ("cuda", "cpu") else {}


@register
def Adam(
    params: Iterable[Parameter],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, ICLR 2015)."""
    _require(lr, eps)
    params = list(params)
    return torch.optim.Adam(
        params, lr, (betas[0], betas[1]), eps, weight_decay=weight_decay, **_fused(params)
    )


@register
def AdamW(
    params: Iterable[Parameter],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019)."""
    _require(lr, eps)
    params = list(params)
    return torch.optim.AdamW(
        params, lr, (betas[0], betas[1]), eps, weight_decay=weight_decay, **_fused(params)
    )


@register
def SGD(
    params: Iterable[Parameter],
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum."""
    _require(lr, momentum=momentum)
    params = list(params)
    optimizer = torch.optim.SGD(
        params, lr, momentum, weight_decay=weight_decay, nesterov=nesterov, **_fused(params)
    )
    if momentum:  # torch's fused kernel would leave them undefined if the first step is skipped
        for param in params:
            optimizer.state[param]["momentum_buffer"] = torch.zeros_like(param)
    return optimizer


@runtime_checkable
class Schedule(Protocol):
    """What the runner asks of a schedule."""

    def factor(self, iteration: int, iters_per_epoch: int, epochs: int) -> float:
        """Multiplier of the base learning rate at optimizer step `iteration` (from 0)."""


class _Warmup:
    def __init__(self, warmup_iters: int, warmup_ratio: float, warmup: Warmup) -> None:
        if warmup_iters < 0:
            raise ValueError(f"warmup_iters is {warmup_iters}: expected 0 or more iterations")
        if not 0 < warmup_ratio <= 1:
            raise ValueError(f"warmup_ratio is {warmup_ratio}: expected a share in (0, 1]")
        self.warmup_iters, self.warmup_ratio, self.warmup = warmup_iters, warmup_ratio, warmup

    def warm(self, iteration: int) -> float:
        """Factor of the warm-up alone: warmup_ratio at iteration 0, 1 from warmup_iters on."""
        if iteration >= self.warmup_iters:
            return 1.0
        done = iteration / self.warmup_iters
        if self.warmup == "linear":
            return 1 - (1 - done) * (1 - self.warmup_ratio)
        return self.warmup_ratio if self.warmup == "constant" else self.warmup_ratio ** (1 - done)


@register
class WarmupStep(_Warmup):
    """Divide the rate at given epochs; warm-up multiplies it, also across a step (as MMPose does).

    Args:
        steps: epochs (from 0) at whose start the rate is multiplied by `gamma`.
        warmup_iters: length of the warm-up in optimizer steps.
        warmup_ratio: share of the rate at the first step.
    """

    def __init__(
        self,
        steps: Sequence[int] = (170, 200),
        gamma: float = 0.1,
        warmup_iters: int = 500,
        warmup_ratio: float = 0.001,
        warmup: Warmup = "linear",
    ) -> None:
        super().__init__(warmup_iters, warmup_ratio, warmup)
        if list(steps) != sorted(steps) or any(step < 0 for step in steps):
            raise ValueError(f"steps are {tuple(steps)}: expected epochs from 0 in rising order")
        if not gamma > 0:
            raise ValueError(f"gamma is {gamma}: expected a factor above 0")
        self.steps, self.gamma = tuple(steps), gamma

    def factor(self, iteration: int, iters_per_epoch: int, epochs: int) -> float:
        """See `Schedule.factor`."""
        epoch = iteration // iters_per_epoch
        regular = self.gamma ** sum(epoch >= step for step in self.steps)
        return regular * self.warm(iteration)


@register
class WarmupCosine(_Warmup):
    """Half a cosine from the base rate to `final_ratio` of it over the run, per optimizer step.

    Source: Loshchilov and Hutter, SGDR, ICLR 2017 (without restarts).
    """

    def __init__(
        self,
        final_ratio: float = 0.0,
        warmup_iters: int = 500,
        warmup_ratio: float = 0.001,
        warmup: Warmup = "linear",
    ) -> None:
        super().__init__(warmup_iters, warmup_ratio, warmup)
        if not 0 <= final_ratio <= 1:
            raise ValueError(f"final_ratio is {final_ratio}: expected a share from 0 to 1")
        self.final_ratio = final_ratio

    def factor(self, iteration: int, iters_per_epoch: int, epochs: int) -> float:
        """See `Schedule.factor`."""
        done = min(1.0, iteration / max(1, iters_per_epoch * epochs))
        regular = self.final_ratio + (1 - self.final_ratio) * 0.5 * (1 + math.cos(math.pi * done))
        return regular * self.warm(iteration)
