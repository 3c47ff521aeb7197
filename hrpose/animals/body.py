"""The body of an animal: proportions, skeleton, gait and outlines, before any camera.

The body frame: x forward, y up, unit the height of the withers, origin on the ground.
The keypoint names are Horse-10's: Near is the side that faces the camera, Off the far side.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from hrpose.animals.build import BUILDS, GAITS, RADII, ROOTS, Build

KEYPOINTS = (
    *("Nose", "Eye", "Nearknee", "Nearfrontfetlock", "Nearfrontfoot", "Offknee"),
    *("Offfrontfetlock", "Offfrontfoot", "Shoulder", "Midshoulder", "Elbow", "Girth", "Wither"),
    *("Nearhindhock", "Nearhindfetlock", "Nearhindfoot", "Hip", "Stifle", "Offhindhock"),
    *("Offhindfetlock", "Offhindfoot", "Ischium"),
)
PASTERN = 32.0  # degrees that a standing pastern leans forward
LEGS = ("nearfore", "offfore", "nearhind", "offhind")
_T = np.arange(5)[:, None] / 5
_CURVE = 0.5 * np.hstack(  # Catmull-Rom weights of four neighbours at five steps
    [-_T + 2 * _T**2 - _T**3, 2 - 5 * _T**2 + 3 * _T**3, _T + 4 * _T**2 - 3 * _T**3, _T**3 - _T**2]
)
Points = dict[str, np.ndarray]


def smooth(points: np.ndarray) -> np.ndarray:
    """Closed Catmull-Rom curves through `points` (..., n, 2), as (..., 5n, 2)."""
    around = np.concatenate([points[..., -1:, :], points, points[..., :2, :]], axis=-2)
    curve = _CURVE @ around[..., _window(points.shape[-2]), :]
    return curve.reshape(*points.shape[:-2], -1, 2)


@functools.lru_cache
def _window(count: int) -> np.ndarray:
    return np.arange(count)[:, None] + np.arange(4)


def _tube(path: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Outlines of limbs along `path` (..., n, 2), `radius` (..., n) wide to either side."""
    along = np.empty_like(path)
    along[..., 1:-1, :] = path[..., 2:, :] - path[..., :-2, :]
    along[..., 0, :] = path[..., 1, :] - path[..., 0, :]
    along[..., -1, :] = path[..., -1, :] - path[..., -2, :]
    along *= (radius / np.hypot(along[..., 0], along[..., 1]))[..., None]
    side = along[..., ::-1] * [-1, 1]
    return smooth(np.concatenate([path + side, (path - side)[..., ::-1, :]], axis=-2))


def _ray(degrees: float) -> np.ndarray:
    """Unit vector (2,) that hangs down at 0 degrees and swings forward with the angle."""
    angle = math.radians(degrees)
    return np.array([math.sin(angle), -math.cos(angle)])


def _chain(start: np.ndarray, lengths: np.ndarray, angles: tuple[float, ...]) -> np.ndarray:
    """Joints (n + 1, 2) of a leg that hangs from `start`."""
    steps = [length * _ray(angle) for length, angle in zip(lengths, angles, strict=True)]
    return np.cumsum([start, *steps], axis=0)


def _legs(build: Build, rng: np.random.Generator) -> tuple[Points, dict[str, float]]:
    """Joints of the legs (fore: elbow, knee, fetlock, foot; hind: hip, stifle, hock, fetlock,
    foot) and the hoofs' angles in degrees, 0 where flat on the ground.
    """
    swing, phases = GAITS[list(GAITS)[rng.choice(4, p=(0.25, 0.35, 0.25, 0.15))]]
    start = rng.uniform()
    legs, hoofs = {}, {}
    angles: tuple[float, ...]
    for name, phase in zip(LEGS, phases, strict=True):
        turn = 2 * np.pi * (start + phase + rng.normal(0, 0.02))
        reach = swing * np.sin(turn) + rng.normal(0, 2)
        flex = 1.7 * swing * max(0.0, np.cos(turn)) ** 1.5 + abs(rng.normal(0, 1.5))
        if name.endswith("fore"):
            elbow = np.array([0.31 * build.length, 1.035 - build.depth]) + 0.02 * _ray(reach * 2)
            shin = reach * 0.8 - 0.9 * flex
            angles = (reach + 0.35 * flex, shin, shin + PASTERN - 0.5 * flex)
            legs[name] = _chain(elbow, elbow[1] * np.array([0.44, 0.34, 0.185]), angles)
        else:
            hip = np.array([-0.33 * build.length, 0.81 * build.croup])
            thigh = 24 + 0.5 * reach + 0.45 * flex
            gaskin, cannon = -37 + 0.7 * reach - 0.15 * flex, -1 + reach - 0.6 * flex
            angles = (thigh, gaskin, cannon, cannon + PASTERN - 0.3 * flex)
            legs[name] = _chain(hip, hip[1] * np.array([0.215, 0.415, 0.34, 0.125]), angles)
        hoofs[name] = angles[-1] - PASTERN
    return legs, hoofs


def _leg_outlines(legs: Points, hoofs: dict[str, float], bone: float) -> Points:
    """Each limb with its upper arm or thigh, its hoof, and the lower leg that markings colour."""
    paths, outlines = [], {}
    for name, joints in legs.items():
        fetlock, foot = joints[-2:]
        down, front = _ray(hoofs[name]), _ray(hoofs[name] + 90)
        ankle, sole = foot - 0.012 * down, foot + 0.03 * down
        mid = 0.5 * (joints[-3] + fetlock)
        if name.endswith("fore"):
            elbow, knee = joints[:2]
            arm = 0.5 * (elbow + knee) + 0.012 * front
            path = np.array([elbow, elbow, arm, knee, mid, fetlock, ankle])
        else:
            hip, stifle, hock = joints[:3]
            calf = 0.5 * (stifle + hock) - 0.012 * front
            path = np.array([hip, stifle, calf, hock, mid, fetlock, ankle])
        path[:2] += ROOTS[name[-4:]]
        paths.append(path)
        box = (ankle + 0.028 * front, sole + 0.058 * front, sole - 0.034 * front)
        outlines[f"{name}_hoof"] = foot + (np.array([*box, ankle - 0.03 * front]) - foot) * bone
    spines = np.array(paths)
    radii = bone * np.array([RADII[name[-4:]] for name in legs])
    outlines.update(zip(legs, _tube(spines, radii), strict=True))
    socks = _tube(spines[:, 3:], radii[:, 3:] * 1.6)
    outlines.update((f"{name}_sock", sock) for name, sock in zip(legs, socks, strict=True))
    return outlines


def _trunk(build: Build, rng: np.random.Generator) -> tuple[np.ndarray, Points]:
    """Outline of the trunk and the keypoints that lie on it."""
    deep, croup, tuck = build.depth, build.croup, build.tuck
    back = 0.955 - rng.uniform(0.0, 0.035)
    belly = 1.02 + rng.uniform(-0.02, 0.08)
    rim = [
        *((0.26, 1.0), (0.12, back), (-0.08, back), (-0.24, croup)),
        *((-0.37, croup - 0.025), (-0.475, croup - 0.085), (-0.515, croup - 0.16)),
        *((-0.49, croup - 0.27), (-0.38, 1 - 0.80 * deep), (-0.21, 1 - 0.93 * deep + tuck)),
        *((-0.02, 1 - belly * deep + 0.4 * tuck), (0.2, 1 - deep), (0.36, 1 - 0.95 * deep)),
        *((0.48, 1 - 0.78 * deep), (0.515, 1 - 0.6 * deep), (0.47, 1 - 0.4 * deep), (0.38, 0.93)),
    ]
    points = {
        "Wither": (0.26, 0.985),
        "Hip": (-0.24, croup - 0.02),
        "Ischium": (-0.495, croup - 0.14),
        "Girth": (0.21, 1.02 - deep),
        "Shoulder": (0.47, 1 - 0.64 * deep),
        "Midshoulder": (0.385, 1 - 0.32 * deep),
    }
    stretch = np.array([build.length, 1.0])
    return smooth(np.array(rim) * stretch), {k: np.array(at) * stretch for k, at in points.items()}


def _head(build: Build, poll: np.ndarray, angle: float, dog: bool) -> tuple[Points, Points]:
    """Outlines of the head, its ears and muzzle, and points on it; `angle` of the nose, degrees."""
    forward = _ray(90 + angle)
    upward = np.array([-forward[1], forward[0]])
    jaw, muzzle = build.jaw, build.muzzle

    def place(*at: tuple[float, float]) -> np.ndarray:
        """From along the head (in head lengths) and above its axis to the body frame."""
        u, v = np.array(at).T[..., None]
        return poll + build.head * u * forward + v * upward

    brow, bridge = (0.40 * jaw, 0.2 * muzzle) if dog else (0.33 * jaw, 0.4 * muzzle)
    rim = place(
        *((-0.06, 0.1 * jaw), (0.02, 0.3 * jaw), (0.2, brow), (0.38, 0.9 * brow)),
        *((0.55, 1.2 * bridge), (0.8, bridge), (0.95, bridge), (1.01, 0.0), (0.98, -0.4 * muzzle)),
        *((0.88, -0.66 * muzzle), (0.68, -0.62 * muzzle), (0.5, -0.42 * jaw)),
        *((0.3, -0.64 * jaw), (0.12, -0.66 * jaw), (-0.04, -0.45 * jaw)),
    )
    lean = np.deg2rad(build.ear_angle)
    tip = build.ear * (np.cos(lean) * upward - np.sin(lean) * forward)
    root = place((0.07, 0.24 * jaw))[0]
    width = 0.028 * (np.cos(lean) * forward + np.sin(lean) * upward)
    half = root + 0.55 * tip
    pinna = np.array([root - width, half - 1.3 * width, root + tip, half + width, root + width])
    end = place((0.8, bridge), (0.95, bridge), (1.02, 0.0), (0.98, -0.5 * muzzle), (0.8, -muzzle))
    jowl = place((0.25, -0.2 * jaw))[0] + 0.3 * jaw * np.array([_ray(a) for a in range(0, 360, 45)])
    outlines = {"head": smooth(rim), "nearear": pinna, "muzzle": end, "jowl": jowl}
    outlines["offear"] = pinna + 0.035 * forward + 0.01 * upward
    outlines["blaze"] = place((0.3, brow), (0.6, bridge), (0.95, bridge), (0.6, 0.3 * bridge))
    at = place((0.96, -0.08 * muzzle), (0.3, 0.1 * jaw), (0.93, 0.1 * bridge), (0.02, 0.28 * jaw))
    points = dict(zip(("Nose", "Eye", "nostril", "nape"), at, strict=True))
    points["throat"] = place((0.1, -0.6 * jaw))[0]
    return outlines, points


def _neck(build: Build, rng: np.random.Generator, dog: bool) -> tuple[Points, Points]:
    """Outlines and points of the head, and the neck and mane that carry it."""
    angle = np.clip(build.neck_angle + rng.normal(0, 17), -42, 66)
    nod = build.head_angle + 0.35 * (angle - build.neck_angle) + rng.normal(0, 9)
    length, depth = build.length, build.depth
    poll = np.array([0.37 * length, 1 - 0.3 * depth]) + build.neck * _ray(90 + angle)
    outlines, points = _head(build, poll, max(nod, -84.0), dog)
    nape, throat, above = points.pop("nape"), points.pop("throat"), _ray(180 + angle)
    wither, shoulder = np.array([0.25 * length, 0.99]), np.array([0.5 * length, 1 - 0.6 * depth])
    crest = 0.5 * (nape + wither) + 0.03 * above
    gullet = 0.5 * (throat + shoulder) + 0.02 * above
    inside = np.array([0.33 * length, 1 - 0.55 * depth])
    outlines["neck"] = smooth(
        np.array([wither, crest, nape, poll, throat, gullet, shoulder, inside])
    )
    if build.mane > 0.02:
        ridge = np.array([nape, 0.5 * (nape + crest) + 0.012 * above, crest, wither])
        fall = build.mane * np.array([0.2, -1.0]) * np.array([[0.5], [1.1], [1.3], [0.2]])
        outlines["mane"] = smooth(np.concatenate([ridge + 0.012 * above, (ridge + fall)[::-1]]))
    return outlines, points


def _tail(build: Build, rng: np.random.Generator) -> np.ndarray:
    """Outline of the tail: it leaves the dock at an angle and bends down, or up on a dog."""
    dock = np.array([-0.485 * build.length, build.croup - 0.07])
    angle = build.tail_angle + rng.normal(0, 16)
    turns = angle * np.array([1.3, 0.8, 0.5, 0.4]) + rng.normal(0, 6) * np.arange(4)
    path = _chain(dock, np.full(4, build.tail / 4), tuple(turns))
    thin = build.hair < 0.03
    radius = [0.5, 0.5, 0.5, 1.4, 0.6] if thin else [0.5, 0.9, 1.2, 1.2, 0.3]
    return _tube(path, build.hair * np.array(radius))


def grow(kind: str, rng: np.random.Generator) -> tuple[Points, Points]:
    """A new animal of a `kind` of `BUILDS` in the middle of a step, in the body frame.

    Returns the outlines by part, each (n, 2), and the keypoints (and nostril) by name, each (2,).
    """
    build = Build(*(np.array(BUILDS[kind]) * rng.uniform(0.92, 1.08, len(Build._fields))))
    build = build._replace(croup=BUILDS[kind].croup * rng.uniform(0.97, 1.03))
    legs, hoofs = _legs(build, rng)
    trunk, points = _trunk(build, rng)
    outlines, more = _neck(build, rng, kind == "dog")
    points.update(more)
    outlines.update(trunk=trunk, tail=_tail(build, rng), **_leg_outlines(legs, hoofs, build.bone))
    for name, joints in legs.items():
        hind, side = name.endswith("hind"), name[:-4].capitalize()
        ends = (
            ("hindhock", "hindfetlock", "hindfoot")
            if hind
            else ("knee", "frontfetlock", "frontfoot")
        )
        points.update((side + end, joint) for end, joint in zip(ends, joints[-3:], strict=True))
    points["Elbow"], points["Stifle"] = legs["nearfore"][0], legs["nearhind"][1]
    ground = min(points[name][1] for name in points if name.endswith("foot")) - 0.03 * build.bone
    lift = np.array([0.0, ground])
    return (
        {name: outline - lift for name, outline in outlines.items()},
        {name: point - lift for name, point in points.items()},
    )
