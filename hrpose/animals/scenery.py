"""Paints what is behind and before the animal, and what the lens does to the picture.

Legend: h, w the image.
"""

from __future__ import annotations

import cv2
import numpy as np

from hrpose.animals.coat import Light, paint, relief, shade
from hrpose.animals.scene import Occluder, Scene
from hrpose.animals.texture import fill, modulate, over, plain, strokes, texture, tint

SKIES = ((92, 146, 214), (150, 184, 222), (196, 204, 212), (206, 200, 190), (120, 132, 150))
GROUNDS = (
    (96, 128, 58),
    (122, 134, 70),
    (164, 144, 108),
    (136, 116, 90),
    (150, 148, 142),
    (84, 104, 54),
)
TREES = ((48, 78, 40), (70, 92, 52), (92, 96, 60), (58, 70, 62))
WALLS = ((176, 164, 148), (132, 92, 66), (150, 150, 156), (96, 84, 76), (200, 192, 176))
STONES = ((130, 126, 120), (110, 104, 98), (150, 140, 126))
WOODS = ((232, 230, 224), (128, 92, 62), (90, 76, 66), (168, 146, 116))


def _pick(colours: tuple, rng: np.random.Generator) -> np.ndarray:
    """One of `colours` (3,), a little changed."""
    colour = np.array(colours[rng.integers(len(colours))])
    return np.clip(colour * rng.normal(1, 0.1) + rng.normal(0, 4, 3), 8, 248)


def _gradient(first: np.ndarray, last: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) uint8 from one colour on top to another below."""
    return plain(np.linspace(first, last, size[1]), size)


def _wall(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A stable's wall of boards, upright or lying."""
    width, height = size
    wall = _pick(WALLS, rng)
    image = _gradient(wall, wall * rng.uniform(0.7, 1.0), size)
    step = int(rng.integers(6, 26))
    if rng.uniform() < 0.5:
        joints = [[(x, 0), (x, height)] for x in range(step // 2, width, step)]
    else:
        joints = [[(0, y), (width, y)] for y in range(step // 2, height, step)]
    if joints:
        strokes(image, np.array(joints, float), tint(wall, 0.72))
    return modulate(image, 1 + 0.06 * texture("soil", size, rng))


def _sky(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Sky with clouds, and often trees at the horizon."""
    width, height = size
    sky = _pick(SKIES, rng)
    image = _gradient(sky, sky * 0.4 + 145, size)
    image = modulate(image, 1 + rng.uniform(0, 0.1) * texture("cloud", size, rng))
    if rng.uniform() < 0.25:
        return image
    hills, tops = (texture(name, (width, 1), rng)[0] for name in ("cloud", "leaf"))
    y = height * rng.uniform(0.35, 0.9) + hills * rng.uniform(2, 9) + tops
    rim = [(-1, height + 4), *zip(range(width), y, strict=True), (width, height + 4)]
    mask = np.zeros((height, width), np.uint8)
    fill(mask, np.array(rim), (255,))
    trees = modulate(plain(_pick(TREES, rng), size), 1 + 0.28 * texture("leaf", size, rng))
    return over(image, trees, mask)


def _fence(image: np.ndarray, horizon: int, unit: float, rng: np.random.Generator) -> None:
    """Posts and rails behind the animal."""
    wood = _pick(WOODS, rng)
    foot = horizon + unit * rng.uniform(0.0, 0.12)
    high = unit * rng.uniform(0.35, 0.7)
    thick = max(1, int(unit * rng.uniform(0.02, 0.05)))
    width = image.shape[1]
    rise = rng.uniform(-0.04, 0.04) * width
    for share in np.linspace(0.3, 0.9, int(rng.integers(2, 4))):
        y = foot - high * share
        strokes(image, np.array([[(0, y), (width, y + rise)]]), tint(wood, 0.95), thick)
    for x in np.arange(rng.uniform(0, 30), width, unit * rng.uniform(0.45, 0.9)):
        y = foot + rise * x / width
        strokes(image, np.array([[(x, y), (x, y - high)]]), tint(wood, 0.85), thick + 1)


def _clutter(image: np.ndarray, horizon: int, unit: float, rng: np.random.Generator) -> None:
    """Things of no meaning near the horizon: crates, bales, shrubs."""
    for _ in range(rng.integers(0, 5)):
        half = unit * rng.uniform(0.03, 0.2, 2)
        foot = np.array([rng.uniform(0, image.shape[1]), horizon + unit * rng.uniform(-0.02, 0.15)])
        centre = foot - [0, half[1]]
        if rng.uniform() < 0.5:
            colour = _pick((*TREES, *STONES, *GROUNDS), rng)
            angle = np.linspace(0, 2 * np.pi, 13)[:-1]
            rim = (
                np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.8, 1.1, (12, 1)) * half
            )
            fill(image, centre + rim, tint(colour, 0.7))
            fill(image, centre + rim * 0.75 - 0.2 * half, tint(colour, 0.95))
            continue
        colour = rng.uniform(50, 200) + rng.uniform(-30, 30, 3)
        box = half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        fill(image, centre + box, tint(colour))
        fill(image, centre + box * [0.3, 1] - [0.7 * half[0], 0], tint(colour, 0.75))


def _backdrop(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The picture (h, w, 3) uint8 without the animal."""
    width, height = scene.size
    horizon = int(np.clip(scene.ground - scene.unit * rng.uniform(0.12, 0.7), 8, height - 8))
    soil = _pick(GROUNDS, rng)
    image = np.empty((height, width, 3), np.uint8)
    behind = _wall if rng.uniform() < 0.3 else _sky
    image[:horizon] = behind((width, horizon), rng)
    low = (width, height - horizon)
    coarse = texture("soil", low, rng) * np.linspace(0.06, 0.16, low[1], dtype=np.float32)[:, None]
    image[horizon:] = modulate(_gradient(soil * 1.1, soil * 0.88, low), 1 + coarse)
    _clutter(image, horizon, scene.unit, rng)
    if rng.uniform() < 0.45:
        _fence(image, horizon, scene.unit, rng)
    if soil[1] > soil[0]:
        _grass(image, (horizon, height), scene.unit * 0.06, soil, 70, rng)
    return image


def _grass(
    image: np.ndarray,
    rows: tuple[float, float],
    length: float,
    soil: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> None:
    """Blades that stand up from the ground between `rows`."""
    foot = np.stack([rng.uniform(0, image.shape[1], count), rng.uniform(*rows, count)], axis=1)
    tip = foot + length * np.stack([rng.normal(0, 0.4, count), rng.uniform(-1.4, -0.5, count)], 1)
    blades = np.stack([foot, tip], axis=1)
    half = count // 2
    strokes(image, blades[:half], tint(soil, 0.72))
    strokes(image, blades[half:], tint(soil, 1.25))


def _cover(
    image: np.ndarray, thing: Occluder, scene: Scene, light: Light, rng: np.random.Generator
) -> np.ndarray:
    """`image` with an occluder in front, painted exactly inside its outline."""
    mask = np.zeros(scene.size[::-1], np.uint8)
    fill(mask, thing.outline, (255,))
    if thing.kind == "bush":
        layer = plain(_pick(TREES, rng), scene.size)
        layer = modulate(layer, 1 + 0.38 * texture("leaf", scene.size, rng))
    elif thing.kind == "rock":
        layer = plain(_pick(STONES, rng), scene.size)
        layer = modulate(layer, 1 + 0.16 * texture("soil", scene.size, rng))
    else:
        layer = plain(_pick(WOODS, rng), scene.size)
        grain = texture("down" if thing.kind == "post" else "soil", scene.size, rng)
        layer = modulate(layer, 1 + 0.12 * grain)
    glow = shade(relief(mask, None, 0.7 * scene.unit), scene.unit, light, 0.0)
    return over(image, modulate(layer, cv2.resize(glow, scene.size)), mask)


def _lens(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, colour cast, a soft focus now and then, and the sensor's grain."""
    if rng.uniform() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.9))
    exposure = rng.uniform(0.85, 1.12) * rng.normal(1, 0.025, 3)
    curve = np.clip(np.arange(256)[:, None] * exposure + rng.uniform(-6, 8), 0, 255)
    image = cv2.LUT(image, curve.astype(np.uint8).reshape(1, 256, 3))
    grain = texture("grain", (image.shape[1], image.shape[0]), rng) * rng.uniform(0.5, 4.5)
    return cv2.add(image, cv2.cvtColor(grain, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_8U)


def render(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The photograph of `scene`, (h, w, 3) uint8 RGB."""
    light = Light.draw(rng)
    image = _backdrop(scene, rng)
    paint(image, scene, light, rng)
    for thing in scene.occluders:
        image = _cover(image, thing, scene, light, rng)
    return _lens(image, rng)
