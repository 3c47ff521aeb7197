"""Whether weights can be right: numbers that no sane training leaves behind."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

MEAN, VARIANCE = "running_mean", "running_var"


def learned(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and BatchNorm statistics of `model` under their state-dict keys.

    Other buffers are none of training's doing, and may hold what they like: masks with -inf, say.
    """
    buffers = dict(model.named_buffers())
    statistics = {key: buffers[key] for key in buffers if key.endswith((MEAN, VARIANCE))}
    return {**{key: value.detach() for key, value in model.named_parameters()}, **statistics}


def faults(tensors: Mapping[str, Tensor], largest: float = math.inf) -> list[str]:
    """What is wrong with `tensors`, one sentence a reason; empty if all is well.

    A number is wrong if it is not finite in float32; if it is a running variance below 0; if it is
    beyond `largest`, of a running variance its root. Waits once for each device.
    """
    wrong = defaultdict[str, list[str]](list)
    for key, (top, low) in _extremes(tensors).items():
        if not math.isfinite(top):
            wrong["not finite"].append(key)
        elif low < 0:
            wrong["a variance below 0"].append(key)
        elif _size(key, top) > largest:
            wrong[f"beyond {largest:,.0f}"].append(key)
    return [f"{layers(keys)}: {reason}" for reason, keys in wrong.items()]


def extent(tensors: Mapping[str, Tensor]) -> float:
    """The largest absolute value in `tensors`, of a running variance its root."""
    sizes = [_size(key, top) for key, (top, _) in _extremes(tensors).items()]
    return max((size for size in sizes if math.isfinite(size)), default=0.0)


def layers(keys: Iterable[str]) -> str:
    """The layers that `keys` belong to, at most three by name, and how many entries there are."""
    keys = list(keys)
    names = list(dict.fromkeys(key.rpartition(".")[0] or key for key in keys))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} ({len(keys)} {'entry' if len(keys) == 1 else 'entries'})"


def _size(key: str, top: float) -> float:
    return math.sqrt(top) if key.endswith(VARIANCE) else top


@torch.no_grad()
def _extremes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[float, float]]:
    """The largest absolute value of each tensor, and the smallest value where it is a variance (0
    elsewhere); NaN where there is one.
    """
    by_device = defaultdict[torch.device, dict[str, Tensor]](dict)
    for key, value in tensors.items():
        if value.is_floating_point() and value.numel():
            value = value.detach()
            eight_bits = value.dtype.itemsize == 1  # of which torch takes no norm
            by_device[value.device][key] = value.float() if eight_bits else value
    found = dict[str, tuple[float, float]]()
    for device, group in by_device.items():
        tops = torch.stack(_tops(list(group.values()), device))
        lows = [
            v.min().float() if k.endswith(VARIANCE) else tops.new_zeros(())
            for k, v in group.items()
        ]
        pairs = torch.stack([tops, torch.stack(lows)]).T.tolist()
        found |= {key: (top, low) for key, (top, low) in zip(group, pairs, strict=True)}
    return found


def _tops(values: list[Tensor], device: torch.device) -> list[Tensor]:
    """The largest absolute value of each, in float32: on a GPU in few launches, on a CPU at less
    than half of their time.
    """
    dense = all(value.layout == torch.strided for value in values)
    if device.type != "cpu" or not dense:  # `aminmax` takes no sparse tensors
        return [top.float() for top in torch._foreach_norm(values, math.inf)]
    ends = (torch.aminmax(value) for value in values)
    return [torch.maximum(-low, high).float() for low, high in ends]
