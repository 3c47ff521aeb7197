"""A model made ready for inference: batch norm becomes part of the convolution before it."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from hrpose.models.topdown import TopDown

Convolution: TypeAlias = nn.Conv2d | nn.ConvTranspose2d


@torch.no_grad()
def fold_batch_norm(model: TopDown) -> TopDown:
    """A copy of `model` for inference, in evaluation mode, that gives the same answers sooner.

    In evaluation batch norm multiplies and shifts each channel by constants, so the weights and
    the bias of a convolution can do it. They do, wherever nothing else reads that convolution; a
    backbone or head whose `forward` torch.fx cannot follow stays as it is.
    """
    model = copy.deepcopy(model).eval()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    if device.type == "mps":  # has no double precision
        model = model.cpu()
    for part in (model.backbone, model.keypoint_head):
        modules: dict[str, Any] = dict(part.named_modules())
        for conv, norm in _pairs(part, modules):
            _fold(modules[conv], modules[norm])
            parent, _, name = norm.rpartition(".")
            setattr(modules[parent], name, nn.Identity())
    return model.to(device)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Batch norm is one step, whichever class it is of."""
        return isinstance(m, _BatchNorm) or super().is_leaf_module(m, module_qualified_name)


def _pairs(part: nn.Module, modules: dict[str, Any]) -> list[tuple[str, str]]:
    """Paths of each convolution and of the batch norm that alone reads it, where both run once."""
    try:
        nodes = _Tracer().trace(part).nodes
    except Exception:  # whatever keeps a `forward` from being traced, it can still run
        return []
    uses = Counter(node.target for node in nodes if node.op == "call_module")
    # weights that `forward` reads past their module must stay what they are
    read = {str(node.target).rpartition(".")[0] for node in nodes if node.op == "get_attr"}
    pairs = []
    for node in nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module":
            continue
        conv, norm = str(before.target), str(node.target)
        alone = len(before.users) == 1 and uses[conv] == uses[norm] == 1 and not {conv, norm} & read
        if alone and _foldable(modules[conv], modules[norm]):
            pairs.append((conv, norm))
    return pairs


def _foldable(conv: nn.Module, norm: nn.Module) -> bool:
    plain = type(conv) is nn.Conv2d or (type(conv) is nn.ConvTranspose2d and conv.groups == 1)
    return plain and isinstance(norm, _BatchNorm) and norm.running_mean is not None


def _fold(conv: Convolution, norm: _BatchNorm) -> None:
    """Give `conv` the weights and the bias that do what `norm` does after it."""
    kind = conv.weight.dtype
    mean, var = (getattr(norm, name).double() for name in ("running_mean", "running_var"))
    scale = torch.rsqrt(var + norm.eps)
    shift = -mean if conv.bias is None else conv.bias - mean
    if norm.affine:
        scale = scale * norm.weight
    shift = shift * scale
    if norm.affine:
        shift = shift + norm.bias
    outputs = (1, -1, 1, 1) if isinstance(conv, nn.ConvTranspose2d) else (-1, 1, 1, 1)
    conv.weight = nn.Parameter((conv.weight * scale.view(outputs)).to(kind), requires_grad=False)
    conv.bias = nn.Parameter(shift.to(kind), requires_grad=False)
