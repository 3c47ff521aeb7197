"""PCK over its threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.metrics.functional import pck
from hrpose.report.numbers.measured import Measured, plain

_STEPS = 24  # up to twice the threshold at which a point counts as right


def over_thresholds(measured: Measured) -> dict[str, Any]:
    """PCK from near 0 to twice the threshold at which a point is right, with intervals."""
    steps = np.arange(1, _STEPS + 1) * 2 / _STEPS
    thresholds = [float(f"{measured.pck.thr * step:.6g}") for step in steps]
    table = measured.distances
    shares = [plain(pck(table, thr)[0]) for thr in thresholds]
    intervals = [measured.share_ends(table, thr) for thr in thresholds]
    here = _STEPS // 2 - 1
    return {
        "unit": measured.unit,
        "thresholds": thresholds,
        "pck": shares,
        "intervals": intervals,
        "right": {"pck": shares[here], "interval": intervals[here]},
    }
