"""torch's optimizers under their own names, fused where the device has a fused kernel."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import Parameter

from hrpose.config.registry import register


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
