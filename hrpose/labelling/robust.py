"""What is usual in a series, and how far from it a value lies, whatever a few values are.

NaN is a value that is missing; it counts nowhere and lies nowhere.
"""

from __future__ import annotations

import warnings

import numpy as np

_NORMAL = 1.4826  # times the MAD of normal values is their standard deviation


def median(values: np.ndarray) -> np.ndarray:
    """Median of each column of `values` (F, ...); NaN where a column has no value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without values
        return np.nanmedian(values, axis=0)


def spread(values: np.ndarray) -> np.ndarray:
    """Median absolute deviation of each column, scaled to be the deviation of normal values."""
    return _NORMAL * median(np.abs(values - median(values)))


def deviations(values: np.ndarray, least: float) -> np.ndarray:
    """How many MAD each value lies above (or, below 0, under) the median of its column (F, ...).

    Args:
        least: a MAD is taken to be at least this, so that a series that hardly moves has no faults.
    """
    return (values - median(values)) / np.fmax(spread(values), least)


def rolling_median(values: np.ndarray, width: int) -> np.ndarray:
    """Median of `width` (odd) values around each, column by column (F, ...); fewer at the ends."""
    half = width // 2
    padding = [(half, half)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, padding, constant_values=np.nan)
    found = np.empty(values.shape)
    for start in range(0, len(values), 4096):  # the windows of all rows would fill the memory
        part = padded[start : start + 4096 + 2 * half]
        windows = np.lib.stride_tricks.sliding_window_view(part, width, axis=0)
        found[start : start + 4096] = median(np.moveaxis(windows, -1, 0))
    return found
