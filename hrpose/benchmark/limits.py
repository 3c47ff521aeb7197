"""How far a speed is from what arithmetic and memory of the machine allow."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hrpose.benchmark.figures import Fact
from hrpose.benchmark.machine import Peaks
from hrpose.benchmark.pages import Page
from hrpose.benchmark.roofline import Traffic, traffic
from hrpose.engine.experiment import prepare
from hrpose.engine.precision import PRECISIONS, resolve_precision
from hrpose.models.cost import cost

TRAINING = 3
"""Forward passes that a training step is worth: the backward pass computes two products, with
respect to the input and to the weights, where the forward pass computes one."""


@dataclass(frozen=True)
class Limits:
    """What a page's model asks for, an image: operations, and bytes in training and inference."""

    settings: dict[str, Fact]
    precision: str
    flop: float
    """Of one forward pass; a multiply-add is two."""
    training: tuple[Traffic, Traffic]
    inference: tuple[Traffic, Traffic]
    batch_size: int
    val_batch_size: int

    @classmethod
    def of(cls, page: Page, device: torch.device) -> Limits:
        """Counted on the meta device."""
        with torch.device("meta"):
            experiment = prepare(page)
        model, settings, data = experiment.model, experiment.settings, experiment.data
        precision = resolve_precision(settings.precision, device)
        dtype, size = PRECISIONS[precision] or torch.float32, model.codec.input_size
        return cls(
            settings={"channels_last": settings.channels_last, "compile": settings.compile},
            precision=precision,
            flop=2 * cost(model, size).macs,
            training=traffic(model, size, dtype, training=True),
            inference=traffic(model, size, dtype, training=False),
            batch_size=data.batch_size,
            val_batch_size=data.val_batch_size,
        )

    def facts(self, speed: float, passes: int, peaks: dict[str, Peaks]) -> dict[str, Fact]:
        """What `speed`, images a second, means.

        Args:
            passes: forward passes an image: 1, 2 with flip test, `TRAINING` for a training step.
            peaks: of the machine, by precision.
        """
        training = passes == TRAINING
        batch = self.batch_size if training else self.val_batch_size
        fused, unfused = (
            one.per_image(batch) * (1 if training else passes)
            for one in (self.training if training else self.inference)
        )
        flop, peak = self.flop * passes, peaks[self.precision]
        top, bandwidth = peak.flops.median * 1e12, peak.bandwidth.median * 1e9
        arithmetic, memory = top / flop, bandwidth / fused
        return {
            "batch": batch,
            "precision": self.precision,
            **self.settings,
            "GFLOP_per_image": flop / 1e9,
            "TFLOP_per_s": flop * speed / 1e12,
            "share_of_peak_arithmetic": flop * speed / top,
            "MB_per_image_fused": fused / 1e6,
            "MB_per_image_op_by_op": unfused / 1e6,
            "bound_arithmetic_img_per_s": arithmetic,
            "bound_memory_fused_img_per_s": memory,
            "bound_memory_op_by_op_img_per_s": bandwidth / unfused,
            "limited_by": "memory" if memory < arithmetic else "arithmetic",
            "share_of_roofline": speed / min(arithmetic, memory),
        }
