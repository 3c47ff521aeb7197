"""What kinds of animals there are: proportions, gaits, thickness of limbs.

Lengths are in heights of the withers, angles in degrees.
"""

from __future__ import annotations

from typing import NamedTuple


class Build(NamedTuple):
    """Proportions in heights of the withers; angles in degrees."""

    length: float
    depth: float
    neck: float
    head: float
    jaw: float
    muzzle: float
    ear: float
    bone: float
    croup: float
    tuck: float
    tail: float
    hair: float
    mane: float
    neck_angle: float
    head_angle: float
    ear_angle: float
    tail_angle: float


_KINDS = ("horse", "donkey", "calf", "dog")
_TABLE = {  # one column a kind
    "length": (1.02, 0.98, 1.06, 1.16),
    "depth": (0.46, 0.48, 0.5, 0.52),
    "neck": (0.5, 0.42, 0.36, 0.28),
    "head": (0.4, 0.4, 0.34, 0.37),
    "jaw": (0.18, 0.18, 0.18, 0.19),
    "muzzle": (0.11, 0.115, 0.13, 0.1),
    "ear": (0.11, 0.24, 0.14, 0.15),
    "bone": (1.0, 0.9, 1.15, 1.12),
    "croup": (0.99, 0.98, 0.98, 0.95),
    "tuck": (0.05, 0.02, 0.03, 0.17),
    "tail": (0.62, 0.5, 0.55, 0.52),
    "hair": (0.055, 0.02, 0.018, 0.045),
    "mane": (0.11, 0.05, 0.0, 0.0),
    "neck_angle": (38.0, 32.0, 18.0, 36.0),
    "head_angle": (-48.0, -42.0, -34.0, -18.0),
    "ear_angle": (30.0, 38.0, 98.0, 24.0),
    "tail_angle": (-18.0, -10.0, -8.0, -60.0),
}
BUILDS = {
    kind: Build(**{name: row[column] for name, row in _TABLE.items()})
    for column, kind in enumerate(_KINDS)
}
GAITS = {  # swing in degrees; phase of near fore, off fore, near hind, off hind
    "stand": (6.0, (0.0, 0.45, 0.3, 0.8)),
    "walk": (20.0, (0.0, 0.5, 0.75, 0.25)),
    "trot": (27.0, (0.0, 0.5, 0.5, 0.0)),
    "canter": (34.0, (0.0, 0.14, 0.55, 0.68)),
}
RADII = {  # of a limb, from shoulder or thigh to pastern
    "fore": (0.08, 0.082, 0.056, 0.038, 0.026, 0.031, 0.027),
    "hind": (0.135, 0.118, 0.062, 0.043, 0.029, 0.033, 0.028),
}
ROOTS = {  # where the first two knots of a limb lie, from elbow and elbow, or hip and stifle
    "fore": ((0.05, 0.2), (0.035, 0.0)),
    "hind": ((0.015, 0.02), (-0.085, 0.03)),
}
