"""How far a speed is from what arithmetic and memory of the machine allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from hrpose.engine.experiment import prepare
from hrpose.engine.placement import PRECISIONS, resolve_precision
from proofs.benchmark.figures import Fact
from proofs.benchmark.machine import Peaks
from proofs.benchmark.pages import Page
from proofs.benchmark.roofline import Demand, demand

TRAINING = 3
"""Forward passes that a training step is worth: the backward pass computes two products, with
respect to the input and to the weights, where the forward pass computes one."""


@dataclass(frozen=True)
class Limits:
    """What a page asks of the machine, in training or in inference."""

    demand: Demand
    training: bool
    batch: int
    precision: str
    settings: dict[str, Fact]

    def facts(self, speed: float, passes: int, peaks: Mapping[str, Peaks]) -> dict[str, Fact]:
        """What `speed`, images a second, means.

        Args:
            passes: forward passes an image: 1, 2 with flip test, `TRAINING` for a training step.
            peaks: of the machine, by precision; the best run of each counts.
        """
        dtype = PRECISIONS[self.precision] or torch.float32
        times = 1 if self.training else passes
        fused, alone = (each * times for each in self.demand.bytes_per_image(dtype, self.batch))
        flop, peak = self.demand.flop * passes, peaks[self.precision]
        top, bandwidth = peak.flops.largest * 1e12, peak.bandwidth.largest * 1e9
        arithmetic, memory = top / flop, bandwidth / fused
        return {
            "batch": self.batch,
            "precision": self.precision,
            **self.settings,
            "GFLOP_per_image": flop / 1e9,
            "TFLOP_per_s": flop * speed / 1e12,
            "share_of_peak_arithmetic": flop * speed / top,
            "MB_per_image_fused": fused / 1e6,
            "MB_per_image_op_by_op": alone / 1e6,
            "bound_arithmetic_img_per_s": arithmetic,
            "bound_memory_fused_img_per_s": memory,
            "bound_memory_op_by_op_img_per_s": bandwidth / alone,
            "limited_by": "memory" if memory < arithmetic else "arithmetic",
            "share_of_roofline": speed / min(arithmetic, memory),
        }


def limits_of(pages: Mapping[str, Page], device: torch.device, training: bool) -> dict[str, Limits]:
    """Of each page; equal models are counted once."""
    counted: dict[str, Demand] = {}
    found = {}
    for name, page in pages.items():
        experiment = prepare(page)
        model, settings, data = experiment.outline(), experiment.settings, experiment.data
        key = json.dumps(page["model"], sort_keys=True)
        if key not in counted:
            counted[key] = demand(model, model.codec.input_size, training)
        found[name] = Limits(
            demand=counted[key],
            training=training,
            batch=data.batch_size if training else data.val_batch_size,
            precision=resolve_precision(settings.precision, device),
            settings={"channels_last": settings.channels_last, "compile": settings.compile},
        )
    return found
