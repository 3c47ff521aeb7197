"""Small, middle-sized and large animals."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.metrics.functional import mean_of, pck
from hrpose.report.numbers.keypoints import quantiles_of
from hrpose.report.numbers.measured import Measured, plain

_NAMES = {1: ("all",), 2: ("small", "large"), 3: ("small", "middle", "large")}
_LEAST = 5
"""Animals of a third; with fewer there are fewer parts."""


def by_size(measured: Measured) -> list[dict[str, Any]]:
    """The animals in equal parts by the longest side of their box, with the errors of each."""
    sides = measured.truth.boxes[:, 2:].max(axis=1)
    order = np.argsort(sides, kind="stable")
    names = _NAMES[max(1, min(3, len(order) // _LEAST))]
    rows = []
    for name, part in zip(names, np.array_split(order, len(names)), strict=True):
        table = np.full_like(measured.distances, np.nan)
        table[part] = measured.distances[part]
        pixels = measured.pixels[part][~np.isnan(measured.distances[part])]
        rows.append(
            {
                "name": name,
                "animals": len(part),
                "from_px": plain(sides[part].min()),
                "to_px": plain(sides[part].max()),
                "pck": plain(pck(table, measured.pck.thr)[0]),
                "interval": measured.share_ends(table),
                "nme": plain(mean_of(table)[0]),
                "median_px": quantiles_of(pixels)[2],
            }
        )
    return rows
