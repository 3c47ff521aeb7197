"""A mouse of four points that walks about, as a table of predictions spoilt in known places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

NAMES = ("snout", "leftear", "rightear", "tailbase")
BODY = np.array([[40.0, 0], [22, -11], [22, 11], [-40, 0]])  # px, nose ahead
W, H, COUNT, RATE = 320, 240, 2330, 30
KINDS = ("likelihood", "jump", "limb", "swap")


@dataclass
class Walk:
    """Points (F, 4, 2), scores (F, 4), and the spoilt stretches: first row, end, kind."""

    points: np.ndarray
    scores: np.ndarray
    stretches: list[tuple[int, int, str]]


def walk(seed: int, count: int = COUNT) -> Walk:
    """The walk without a fault: rests, runs and turns; noise of 1 px, likelihoods near 0.9."""
    rng = np.random.default_rng(seed)
    speed = _smooth(np.repeat(rng.choice([0, 1, 3, 6], count // 50 + 1), 50)[:count], 15)
    heading = np.cumsum(_smooth(rng.normal(0, 0.35, count), 25)) + rng.uniform(0, 6)
    place = np.cumsum(speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1), axis=0)
    size = np.array([W, H]) - 120
    folded = np.abs((place + rng.uniform(0, 1, 2) * size) % (2 * size) - size) + 60  # within walls
    turn = np.stack([np.cos(heading), -np.sin(heading), np.sin(heading), np.cos(heading)], 1)
    stretch = 1 + 0.08 * _smooth(rng.normal(0, 1, count), 9)[:, None, None] * [[[1, 0.5]]]
    body = np.einsum("fij,fkj->fki", turn.reshape(-1, 2, 2), BODY * stretch)
    points = folded[:, None] + body + rng.normal(0, 1, (count, 4, 2))
    scores = np.clip(rng.beta(18, 2, (count, 4)), 0, 1)
    return Walk(points, scores, [])


def spoilt(seed: int, stretches: int = 20) -> Walk:
    """A walk with stretches of 3 to 15 rows spoilt, each kind in turn, and nowhere else."""
    made, rng = walk(seed), np.random.default_rng(seed + 1000)
    starts = np.linspace(40, COUNT - 60, stretches).astype(int) + rng.integers(-15, 15, stretches)
    for number, start in enumerate(starts.tolist()):
        end, point = start + int(rng.integers(3, 16)), int(rng.integers(4))
        rows, kind = slice(start, end), KINDS[number % 4]
        if kind == "likelihood":
            made.scores[rows, point] = rng.uniform(0.05, 0.35, end - start)
        elif kind == "jump":  # the whole animal is taken for something elsewhere
            made.points[rows] += rng.choice([-1, 1], 2) * rng.uniform(40, 90, 2)
        elif kind == "limb":  # one point slides away and comes back
            way = np.hanning(end - start + 2)[1:-1, None] * rng.uniform(40, 70)
            made.points[rows, 3] += way * np.array([0.6, 0.8])
        else:
            made.points[rows, 1:3] = made.points[rows, 2:0:-1]
        made.stretches.append((start, end, kind))
    return made


def write_table(path: Path, made: Walk) -> Path:
    """The csv that `hrpose predict` writes of it."""
    lines = [
        ",".join(["scorer", *["hrpose_toy"] * 12]),
        ",".join(["bodyparts", *[name for name in NAMES for _ in range(3)]]),
        ",".join(["coords", *["x", "y", "likelihood"] * 4]),
    ]
    triples = np.concatenate([made.points, made.scores[..., None]], axis=-1)
    for number, row in enumerate(triples.reshape(len(triples), -1)):
        lines.append(",".join([str(number), *("" if np.isnan(v) else f"{v:.4f}" for v in row)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_film(path: Path, points: np.ndarray) -> Path:
    """The mouse drawn, an ellipse and its head, as MPEG-4 by OpenCV."""
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE, (W, H))
    for row in points:
        image = np.full((H, W, 3), 150, np.uint8)
        middle, head = (row[0] + row[3]) / 2, row[0]
        angle = float(np.degrees(np.arctan2(*(row[0] - row[3])[::-1])))
        at = int(middle[0]), int(middle[1])
        cv2.ellipse(image, at, (40, 15), angle, 0, 360, (40, 40, 60), -1)
        cv2.circle(image, (int(head[0]), int(head[1])), 5, (90, 90, 160), -1)
        film.write(image)
    film.release()
    return path


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    kernel = np.hanning(width + 2)[1:-1]
    return np.convolve(values.astype(float), kernel / kernel.sum(), mode="same")
