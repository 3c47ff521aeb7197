"""How far off each keypoint is."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.report.numbers.measured import Measured, plain

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def by_keypoint(measured: Measured) -> list[dict[str, Any]]:
    """Of each keypoint: labelled points, the share that is right, and how errors are spread."""
    rows = []
    for k, name in enumerate(measured.names):
        column = measured.distances[:, [k]]
        known = column[~np.isnan(column)]
        pixels = measured.pixels[:, k]
        rows.append(
            {
                "name": name,
                "points": len(known),
                "pck": plain(np.nanmean(measured.right[:, k])) if len(known) else None,
                "interval": measured.share_ends(column),
                "quantiles": quantiles_of(known),
                "median_px": quantiles_of(pixels[~np.isnan(column[:, 0])])[2],
            }
        )
    return rows


def quantiles_of(values: np.ndarray) -> list[float | None]:
    """`QUANTILES` of `values` (n,); an infinite one is None."""
    if not len(values):
        return [None] * len(QUANTILES)
    with np.errstate(invalid="ignore"):  # between two that are infinite
        return [plain(value) for value in np.quantile(values.astype(np.float64), QUANTILES)]
