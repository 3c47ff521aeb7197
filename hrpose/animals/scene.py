"""What the camera sees of an animal: outlines and keypoints in image px, hidden or in sight.

No pixels yet, so ground truth is cheap; `coat.py` and `scenery.py` paint what this file lays out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from hrpose.animals.body import KEYPOINTS, LEGS, grow, smooth

KINDS = {"horse": 0.5, "donkey": 0.16, "calf": 0.18, "dog": 0.16}
NEAR_PARTS = ("tail", "trunk", "neck", "head", "nearhind", "nearfore")
CHEST = 0.1  # heights that the near legs stand before the middle plane
DEPTH = {"Elbow": 0.08, "Stifle": 0.08, "Shoulder": 0.04, "Midshoulder": 0.06, "Eye": 0.04}
DETAILS = ("sock", "muzzle", "jowl", "blaze")  # outlines that colour, not shape, the animal
HIDING = 0.15  # share of animals with something in front of them
CUTTING = 0.06  # share of animals that the image's edge cuts


@dataclass
class Occluder:
    """A thing in front of the animal: what it is and its outline (n, 2) in image px."""

    kind: str
    outline: np.ndarray


@dataclass
class Scene:
    """One animal as the camera sees it; all coordinates in image px, pixel centres at integers."""

    kind: str
    size: tuple[int, int]
    """Width and height of the image."""
    keypoints: np.ndarray
    """(22, 2) float32 in the order of `KEYPOINTS`, also where outside the image."""
    visibility: np.ndarray
    """(22,) int64 as in COCO: 2 in sight, 1 hidden but inside the image, 0 outside it."""
    box: np.ndarray
    """(4,) float32 x, y, w, h: bounds of the outlines, cut at the image."""
    outlines: dict[str, np.ndarray]
    """Part name to closed outline (n, 2) float32."""
    unit: float
    """Image px of one height of the withers."""
    ground: float
    """Row of the ground under the animal."""
    occluders: list[Occluder]


def _depth(name: str) -> float:
    """Heights that a part or point lies before the middle plane of the animal."""
    if name[:4].lower() == "near":
        return 0.3 * CHEST if name.endswith("ear") else CHEST
    if name[:3].lower() == "off":
        return -0.3 * CHEST if name.endswith("ear") else -CHEST
    return DEPTH.get(name, 0.0)


def _project(body: np.ndarray, depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 2) points of the body frame and (n,) depths to the picture plane: y down, unit kept."""
    yaw, lift, roll = np.radians(rng.uniform((-22, -2, -5), (22, 10, 5)))
    distance = rng.uniform(4, 9)
    x = body[:, 0] * math.cos(yaw) + depth * math.sin(yaw)
    near = depth * math.cos(yaw) - body[:, 0] * math.sin(yaw)
    y = (body[:, 1] - 0.6) * math.cos(lift) - near * math.sin(lift)
    scale = distance / (distance - near)
    x, y = x * scale * rng.choice((-1, 1)), -y * scale
    return np.stack(
        [x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)], axis=1
    )


def _frame(
    low: np.ndarray, high: np.ndarray, size: np.ndarray, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Scale and offset (2,) that put the bounds `low` to `high` somewhere into the image."""
    scale = float(np.min(size / (high - low)) * rng.uniform(0.64, 0.86))
    slack = size - (high - low) * scale
    offset = slack * rng.uniform(0.15, 0.85, 2)
    if rng.uniform() < CUTTING:
        over = (high[0] - low[0]) * scale * rng.uniform(0.05, 0.18)
        offset[0] = -over if rng.uniform() < 0.5 else slack[0] + over
    return scale, offset - low * scale


def _bar(start: tuple[float, float], end: tuple[float, float], half: np.ndarray) -> np.ndarray:
    """A straight beam from `start` to `end`, `half` (2,) px to either side."""
    ends = np.array([start, end])
    return np.concatenate([ends - half, (ends + half)[::-1]])


def _occluder(
    box: np.ndarray, unit: float, ground: float, width: int, rng: np.random.Generator
) -> Occluder:
    """A post, rail, bush or rock somewhere before the animal in `box`."""
    kind = ("post", "rail", "bush", "rock")[rng.integers(4)]
    x = box[0] + box[2] * rng.uniform(0.05, 0.95)
    half, lean = unit * rng.uniform(0.03, 0.06), unit * rng.uniform(-0.08, 0.08)
    if kind == "post":
        top = -5.0 if rng.uniform() < 0.5 else box[1] + box[3] * rng.uniform(0.0, 0.4)
        foot = ground + unit * rng.uniform(0.05, 0.3)
        outline = _bar((x, top), (x + lean, foot), np.array([half, 0]))
    elif kind == "rail":
        y = ground - unit * rng.uniform(0.15, 0.75)
        outline = _bar((-5.0, y), (width + 5.0, y + lean), np.array([0, half]))
    else:
        angle = np.linspace(0, 2 * np.pi, 10 if kind == "rock" else 16, endpoint=False)
        wide, high = (
            unit * rng.uniform(0.8, 1.3) * np.array((0.16, 0.12) if kind == "rock" else (0.2, 0.24))
        )
        rim = np.stack([wide * np.cos(angle), high * np.sin(angle)], axis=1)
        rim *= rng.uniform(0.8, 1.15, (len(angle), 1))
        outline = smooth(rim) + np.array([x, ground - high * rng.uniform(0.2, 0.6)])
    return Occluder(kind, outline.astype(np.float32))


def _covered(point: np.ndarray, outlines: list[np.ndarray]) -> bool:
    at = (float(point[0]), float(point[1]))
    return any(cv2.pointPolygonTest(outline, at, False) >= 0 for outline in outlines)


def _visibility(
    keypoints: np.ndarray, limit: np.ndarray, front: list[np.ndarray], body: list[np.ndarray]
) -> np.ndarray:
    """(22,) as in `Scene`: `front` hides every keypoint, the near side `body` the far legs'."""
    covered = [
        _covered(point, [*front, *body] if name.startswith("Off") else front)
        for name, point in zip(KEYPOINTS, keypoints, strict=True)
    ]
    inside = ((keypoints >= 0) & (keypoints <= limit)).all(axis=1)
    return np.where(inside, np.where(covered, 1, 2), 0)


def make_scene(size: tuple[int, int], rng: np.random.Generator) -> Scene:
    """An animal of a random kind, in a random pose, before a random camera and its occluders."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    outlines, points = grow(kind, rng)
    names = [*outlines, *points]
    parts = [*outlines.values(), *(point[None] for point in points.values())]
    counts = [len(part) for part in parts]
    depth = np.repeat([_depth(name) for name in names], counts)
    shapes = np.repeat([name in outlines and not name.endswith(DETAILS) for name in names], counts)
    flat = _project(np.concatenate(parts), depth, rng)

    limit = np.array(size) - 1.0
    low, high = flat[shapes].min(axis=0), flat[shapes].max(axis=0)
    unit, offset = _frame(low, high, limit, rng)
    placed = (flat * unit + offset).astype(np.float32)
    at = dict(zip(names, np.split(placed, np.cumsum(counts)[:-1]), strict=True))
    low, high = np.clip([low * unit + offset, high * unit + offset], 0, limit)
    box = np.array([*low, *(high - low)], np.float32)
    ground = float(max(at[f"{leg}_hoof"][:, 1].max() for leg in LEGS))
    hidden = rng.uniform() < HIDING
    occluders = [_occluder(box, unit, ground, size[0], rng)] if hidden else []

    keypoints = np.concatenate([at[name] for name in KEYPOINTS])
    front = [occluder.outline for occluder in occluders]
    visibility = _visibility(keypoints, limit, front, [at[part] for part in NEAR_PARTS])
    painted = {name: at[name] for name in (*outlines, "nostril")}
    return Scene(kind, size, keypoints, visibility, box, painted, unit, ground, occluders)
