"""Paints an animal: coat, markings, mane and tail, and the light on its rounded body.

Legend: h, w the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from hrpose.animals.body import LEGS
from hrpose.animals.scene import Scene
from hrpose.animals.texture import disc, fill, modulate, over, plain, soften, texture, tint

COATS = {  # base, lower legs, hair; RGB
    "bay": ((120, 68, 38), (38, 28, 25), (26, 20, 18)),
    "chestnut": ((158, 88, 46), (150, 84, 46), (148, 82, 40)),
    "black": ((52, 46, 46), (38, 34, 34), (24, 22, 22)),
    "grey": ((176, 174, 172), (112, 110, 112), (206, 204, 200)),
    "palomino": ((206, 158, 92), (214, 176, 120), (240, 226, 196)),
    "dun": ((178, 144, 102), (70, 54, 44), (44, 34, 30)),
    "white": ((226, 222, 214), (206, 200, 190), (232, 228, 220)),
    "brown": ((96, 66, 46), (84, 58, 42), (58, 40, 30)),
    "mouse": ((136, 124, 116), (116, 104, 98), (56, 50, 48)),
    "red": ((168, 96, 54), (174, 108, 66), (196, 132, 84)),
    "fawn": ((196, 152, 104), (206, 168, 124), (214, 180, 138)),
}
PALE = np.array([236.0, 230.0, 220.0])
WEAR = {  # coats and patterns that each kind may wear
    "horse": (
        ("bay", "chestnut", "black", "grey", "palomino", "dun", "white"),
        (0.5, 0.2, 0.2, 0.1),
    ),
    "donkey": (("mouse", "brown", "dun", "grey"), (0.2, 0.8, 0.0, 0.0)),
    "calf": (("black", "red", "brown", "fawn", "white"), (0.4, 0.1, 0.5, 0.0)),
    "dog": (("black", "red", "fawn", "brown", "white", "grey"), (0.4, 0.35, 0.25, 0.0)),
}
PATTERNS = ("plain", "pangare", "patches", "dapple")
FAR = ("offear", "offhind", "offfore")
NEAR = ("tail", "trunk", "neck", "head", "nearear", "mane", "nearhind", "nearfore")
HAIR = ("mane", "tail")
MUSCLES = ("nearhind", "nearfore", "jowl", "head")


@dataclass(frozen=True)
class Light:
    """Direction to the light, (3,) unit vector, y down, z to the camera; share of diffuse light."""

    direction: np.ndarray
    ambient: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Light:
        """A light above, from the left or right, more or less in front."""
        angle = rng.uniform(-1.1, 1.1)
        toward = np.array([np.sin(angle), -np.cos(angle), rng.uniform(0.5, 1.1)])
        return cls(toward / np.linalg.norm(toward), rng.uniform(0.3, 0.5))


@dataclass
class Coat:
    """Colours (3,) RGB of one animal and how it is marked."""

    base: np.ndarray
    legs: np.ndarray
    hair: np.ndarray
    hoof: np.ndarray
    pattern: str
    socks: dict[str, bool]
    blaze: bool
    gloss: float

    @classmethod
    def draw(cls, kind: str, rng: np.random.Generator) -> Coat:
        """A coat that animals of `kind` wear."""
        coats, odds = WEAR[kind]
        tone = rng.normal(1, 0.1) + rng.normal(0, 0.03, 3)
        base, legs, hair = (
            np.clip(np.array(c) * tone, 12, 245) for c in COATS[coats[rng.integers(len(coats))]]
        )
        white = rng.uniform() < 0.45
        socks = {f"{side}_sock": white and rng.uniform() < 0.6 for side in (*FAR[1:], *NEAR[-2:])}
        hoof = np.array([70.0, 60.0, 52.0]) * rng.uniform(0.5, 1.6)
        pattern = str(rng.choice(PATTERNS, p=odds))
        gloss = rng.uniform(0, 0.3 if kind == "horse" else 0.1)
        return cls(base, legs, hair, hoof, pattern, socks, bool(rng.uniform() < 0.4), gloss)


def _ground_coat(scene: Scene, coat: Coat, rng: np.random.Generator) -> np.ndarray:
    """The skin (h, w, 3) uint8 before any detail: base colour, paler below, patches or dapples."""
    trunk = scene.outlines["trunk"]
    top, bottom = trunk[:, 1].min(), trunk[:, 1].max()
    down = np.clip((np.arange(scene.size[1]) - top) / (bottom - top), 0, 1)[:, None]
    belly = 0.55 * PALE + 0.45 * coat.base if coat.pattern == "pangare" else coat.base * 0.95
    skin = plain(coat.base + (belly - coat.base) * down**3, scene.size)
    if coat.pattern == "dapple":
        return modulate(skin, 1 + 0.09 * texture("dapple", scene.size, rng))
    if coat.pattern == "patches":
        edge = texture("patch", scene.size, rng) + rng.uniform(-0.5, 0.4)
        second = PALE if coat.base.mean() < 190 else np.array([70, 60, 55])
        mask = np.clip(128 + 500 * edge, 0, 255).astype(np.uint8)
        return over(skin, plain(second, scene.size), mask)
    return skin


def _dress(scene: Scene, coat: Coat, skin: np.ndarray, legs: tuple[str, ...]) -> np.ndarray:
    """`skin` with the lower legs and hoofs of `legs` coloured."""
    skin = skin.copy()
    for leg in legs:
        colour = PALE * 0.95 if coat.socks[f"{leg}_sock"] else coat.legs
        fill(skin, scene.outlines[f"{leg}_sock"], tint(colour))
    skin = soften(skin, 0.06 * scene.unit)
    if scene.kind != "dog":
        for leg in legs:
            fill(skin, scene.outlines[f"{leg}_hoof"], tint(coat.hoof))
    return skin


def _face(scene: Scene, coat: Coat, skin: np.ndarray) -> None:
    """Paints muzzle, blaze, ear, eye and nostril, mane and tail onto `skin`."""
    parts, unit = scene.outlines, scene.unit
    dark = coat.base * 0.5 if coat.pattern != "pangare" else 0.5 * (coat.base + PALE)
    if coat.blaze:
        fill(skin, parts["blaze"], tint(PALE, 0.97))
    fill(skin, parts["muzzle"], tint(dark, 0.9))
    for hair in HAIR:
        if hair in parts and not (hair == "tail" and scene.kind == "dog"):
            fill(skin, parts[hair], tint(coat.hair))
    ear = parts["nearear"]
    fill(skin, ear, tint(coat.base, 0.85))
    fill(skin, ear.mean(axis=0) + 0.5 * (ear - ear.mean(axis=0)), tint(coat.base, 0.45))
    eye = scene.keypoints[1]
    disc(skin, eye, 0.026 * unit, tint(coat.base, 0.45))
    disc(skin, eye, 0.018 * unit, (16, 12, 12))
    disc(skin, eye - 0.006 * unit, 0.004 * unit, (180, 180, 180))
    disc(skin, parts["nostril"][0], 0.012 * unit, tint(dark, 0.35))


def relief(mask: np.ndarray, muscles: np.ndarray | None, unit: float) -> np.ndarray:
    """Height (h/2, w/2) of the body over the picture plane: round as a pillow, with muscles."""
    half = (mask.shape[1] // 2, mask.shape[0] // 2)
    small = cv2.resize(mask, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    body = soften(soften(small, 0.11 * unit), 0.11 * unit)
    if muscles is None:
        return body
    small = cv2.resize(muscles, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    return body + 0.35 * soften(soften(small, 0.055 * unit), 0.055 * unit)


def shade(height: np.ndarray, unit: float, light: Light, gloss: float) -> np.ndarray:
    """Brightness factor (h/2, w/2) of a surface of `height`: diffuse light and a sheen."""
    slope = 0.0011 * unit
    x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=slope / 8)
    y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=slope / 8)
    length = np.sqrt(x * x + y * y + 1)
    toward = light.direction.tolist()  # plain numbers keep the arrays float32 in NumPy 2
    lit = (toward[2] - x * toward[0] - y * toward[1]) / length
    half = light.direction + np.array([0, 0, 1])
    half = (half / np.linalg.norm(half)).tolist()
    sheen = cv2.pow(np.maximum((half[2] - x * half[0] - y * half[1]) / length, 0), 24)
    return light.ambient + (1.1 - light.ambient) * np.maximum(lit, 0) + gloss * sheen


def _mask(scene: Scene, parts: tuple[str, ...]) -> np.ndarray:
    mask = np.zeros(scene.size[::-1], np.uint8)
    for part in parts:
        for name in (part, f"{part}_hoof"):
            if name in scene.outlines:
                fill(mask, scene.outlines[name], (255,))
    return mask


def _cast_shadow(image: np.ndarray, scene: Scene, light: Light) -> None:
    """Darkens the ground under the animal, away from the light."""
    lean, flat = -0.8 * light.direction[0], -0.13  # seen from the side, the ground is narrow
    floor = np.array([lean * scene.ground, (1 - flat) * scene.ground])
    throw = np.array([[1, 0], [-lean, flat]])
    shadow = np.zeros((scene.size[1] // 2, scene.size[0] // 2), np.uint8)
    for part in ("trunk", "neck", "head", *LEGS):
        fill(shadow, (scene.outlines[part] @ throw + floor) / 2, (255,))
    for leg in LEGS:
        sole = scene.outlines[f"{leg}_hoof"]
        touch = np.array([sole.mean(axis=0)[0], sole[:, 1].max()])
        disc(shadow, touch / 2, 0.022 * scene.unit, (200, 0, 0))
    dark = cv2.resize(cv2.blur(shadow, (3, 3)), scene.size).astype(np.float32)
    top = int(np.clip(scene.ground - 0.4 * scene.unit, 0, scene.size[1] - 1))
    image[top:] = modulate(image[top:], 1 - (0.95 - light.ambient) / 255 * dark[top:])


def _cut(scene: Scene) -> tuple[Scene, tuple[slice, slice]]:
    """The part of the image that the animal fills, as a scene of its own, and where that lies."""
    bounds = np.concatenate(
        [scene.outlines[part] for part in (*FAR, *NEAR) if part in scene.outlines]
    )
    low = np.clip(bounds.min(axis=0).astype(int) - 2, 0, None)
    high = np.minimum(bounds.max(axis=0).astype(int) + 10, scene.size)
    shift = low.astype(np.float32)
    window = replace(
        scene,
        size=(int(high[0] - low[0]), int(high[1] - low[1])),
        outlines={name: outline - shift for name, outline in scene.outlines.items()},
        keypoints=scene.keypoints - shift,
    )
    return window, (slice(low[1], high[1]), slice(low[0], high[0]))


def paint(image: np.ndarray, scene: Scene, light: Light, rng: np.random.Generator) -> None:
    """Paints the animal of `scene` and its shadow into `image` (h, w, 3) uint8 RGB."""
    coat = Coat.draw(scene.kind, rng)
    _cast_shadow(image, scene, light)
    scene, where = _cut(scene)
    size, unit = scene.size, scene.unit
    far, near = _mask(scene, FAR), _mask(scene, NEAR)
    skin = _ground_coat(scene, coat, rng)
    facing_right = scene.keypoints[0, 0] > scene.keypoints[-1, 0]
    lie = texture("flank" if facing_right else "back", size, rng)
    fur = 1 + rng.uniform(0.04, 0.1) * lie
    hair = _mask(scene, HAIR).astype(np.float32) * (0.22 / 255)
    fur += hair * texture("down", size, rng)

    glow = cv2.resize(shade(relief(far, None, unit), unit, light, 0.0), size)
    tone = fur * glow * rng.uniform(0.34, 0.48)
    picture = over(image[where], modulate(_dress(scene, coat, skin, FAR[1:]), tone), far)
    glow = shade(relief(near, _mask(scene, MUSCLES), unit), unit, light, coat.gloss)
    skin = _dress(scene, coat, skin, NEAR[-2:])
    _face(scene, coat, skin)
    image[where] = over(picture, modulate(skin, fur * cv2.resize(glow, size)), near)
