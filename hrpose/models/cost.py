"""What a model costs: parameters, multiply-adds and activation memory, counted and not timed.

Nothing is computed: the model stands on torch's meta device, which knows shapes only, so even W48
takes a second and no memory. One multiply-add (MAC) is counted for each weight that goes into each
output of a convolution or matrix product. Biases, batch norm, ReLU, sums and resizing are not
counted: about one percent of HRNet. Counted so, W32 has 10.19 G and W48 20.92 G at 256 x 256.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class PartCost:
    """A child of one of the model's children, or several plain layers that follow each other."""

    name: str
    parameters: int
    macs: int
    """Multiply-adds of one image."""
    kept: int
    """Bytes that it adds, for one image, to what a training step keeps for its backward pass."""


@dataclass(frozen=True)
class Cost:
    """All parts, and the bytes of activations: for the first image and for each further one."""

    parts: tuple[PartCost, ...]
    kept: tuple[int, int]
    """Training: what the forward pass keeps for the backward pass, weights not counted."""
    peak: tuple[int, int]
    """Inference: the most that lives at one time, the images included, weights not counted."""

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        return sum(part.parameters for part in self.parts)

    @property
    def macs(self) -> int:
        """Multiply-adds of one image through the model once; a flip test goes through it twice."""
        return sum(part.macs for part in self.parts)


def cost(model: nn.Module, input_size: tuple[int, int]) -> Cost:
    """Cost of `model`, which stands on the meta device, for images of `input_size` (w, h) px.

    Activations have the type of the weights. Not in the numbers: gradients, and what the kernels
    of a device allocate for themselves.
    """
    inference, inference2 = (_pass(model, input_size, batch, training=False) for batch in (1, 2))
    training, training2 = (_pass(model, input_size, batch, training=True) for batch in (1, 2))
    names = _part_names(model)
    parameters: dict[str, int] = defaultdict(int)
    macs: dict[str, int] = defaultdict(int)
    kept: dict[str, int] = defaultdict(int)
    for path, parameter in model.named_parameters():
        parameters[_part_of(path, names)] += parameter.numel()
    for path, count in inference.macs.items():
        macs[_part_of(path, names)] += count
    for path, count in training.kept.items():
        kept[_part_of(path, names)] += count
    parts = tuple(
        PartCost(name, parameters[name], macs[name], kept[name])
        for name in dict.fromkeys([*parameters, *macs, *kept])
    )
    total, total2 = (sum(meter.kept.values()) for meter in (training, training2))
    return Cost(parts, (total, total2 - total), (inference.peak, inference2.peak - inference.peak))


def table(costs: Cost) -> str:
    """One line a part, the total, and the memory, to read."""
    width = max(len(part.name) for part in costs.parts)
    head = f"{'':{width}}  {'parameters':>12}  {'GMAC':>8}  {'share':>6}  {'kept MiB':>8}"
    whole = PartCost("total", costs.parameters, costs.macs, costs.kept[0])
    lines = [head]
    for part in (*costs.parts, whole):
        share = f"{part.macs / max(costs.macs, 1):.1%}"
        numbers = f"{part.macs / 1e9:>8.3f}  {share:>6}  {part.kept / 2**20:>8.1f}"
        lines.append(f"{part.name:{width}}  {part.parameters:>12,}  {numbers}")
    kept_text, peak_text = (
        f"{first / 2**20:.1f} MiB, each further image {further / 2**20:.1f} MiB"
        for first, further in (costs.kept, costs.peak)
    )
    return "\n".join(
        [
            *lines,
            "",
            f"parameters           {costs.parameters / 1e6:.2f} M",
            f"multiply-adds        {costs.macs / 1e9:.2f} GMAC an image, convolutions and matrix "
            "products; twice that with flip test",
            f"training activations {kept_text} (kept for the backward pass)",
            f"inference, peak      {peak_text}",
        ]
    )


class _Meter(TorchDispatchMode):
    """Sees every operation of one pass: its multiply-adds, and which tensors live how long."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.macs: dict[str, int] = defaultdict(int)
        self.kept: dict[str, int] = defaultdict(int)
        self.peak = 0
        self._live = 0
        self._place = [""]
        self._held: list[Any] = []
        weights = [*model.parameters(), *model.buffers()]
        self._weights = {weight.untyped_storage()._cdata for weight in weights}
        self._known = set(self._weights)
        self._kept = set(self._weights)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:  # torch counts a multiply-add as two operations
            self.macs[self._place[-1]] += count(*args, **(kwargs or {}), out_val=result) // 2
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._see(tensor)
        return result

    def keep(self, tensor: Tensor) -> Tensor:
        """Called by autograd for every tensor that the backward pass will need."""
        storage = tensor.untyped_storage()
        if storage._cdata not in self._kept:
            self._kept.add(storage._cdata)
            self._held.append(storage)  # so that no later storage takes its address
            self.kept[self._place[-1]] += storage.nbytes()
        return tensor

    @contextmanager
    def inside(self, model: nn.Module) -> Iterator[None]:
        """Know at all times which module of `model` is at work."""
        handles = []
        for name, module in model.named_modules():
            enter = module.register_forward_pre_hook(lambda *_, name=name: self._place.append(name))
            leave = module.register_forward_hook(lambda *_: self._leave())
            handles += [enter, leave]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self) -> None:
        self._place.pop()

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self._live += size
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._live -= size


def _pass(model: nn.Module, input_size: tuple[int, int], batch: int, training: bool) -> _Meter:
    """What a meter saw of one forward pass of `batch` images."""
    weight = next(model.parameters())
    if not weight.is_meta:
        raise ValueError(f"the model is on {weight.device}; build it under torch.device('meta')")
    width, height = input_size
    before = model.training
    meter = _Meter(model)
    model.train(training)
    try:
        with (
            torch.set_grad_enabled(training),
            saved_tensors_hooks(meter.keep, lambda tensor: tensor),
            meter.inside(model),
            meter,
        ):
            model(torch.empty((batch, 3, height, width), device="meta", dtype=weight.dtype))
    finally:
        model.train(before)
    return meter


def _part_names(model: nn.Module) -> dict[str, str]:
    """The part that each child of a child belongs to, by path; only those with parameters."""
    names: dict[str, str] = {}
    for top, child in model.named_children():
        run: list[str] = []
        for name, module in child.named_children():
            path = f"{top}.{name}"
            if next(module.parameters(), None) is None:
                continue
            run = [*run, path] if not list(module.children()) else []
            if len(run) > 1:
                names.update(dict.fromkeys(run, f"{run[0]} ... {name}"))
            else:
                names[path] = path
    return names


def _part_of(path: str, names: dict[str, str]) -> str:
    """The part in which the parameter or module `path` is; what is in none goes to the child of the
    model around it, such as the ReLUs that HRNet calls as functions between its layers.
    """
    levels = path.split(".")
    return names.get(".".join(levels[:2]), f"{levels[0] or 'model'}, itself")
