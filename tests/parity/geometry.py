"""Boxes, affine matrices, mirror images."""

import numpy as np
import torch

from hrpose.geometry import (
    affine_matrix,
    apply_affine,
    box_to_center_size,
    invert_affine,
    mirror_matrix,
    udp_matrix,
)
from parity.links import DATASETS, UNIT, Measured, Reference, Worst, link
from parity.recipe import model

CHAPTER = "Geometry"
AFFINE = "funcs/affine.npz"


def cases(reference: Reference) -> list[tuple]:
    """Centre, size, degrees and output size of 840 matrices."""
    rows = reference.arrays(AFFINE)["inputs_cx_cy_sx_sy_rot_w_h"]
    sizes = rows[:, 2:4].astype(np.float32) * UNIT
    return [
        (r[:2], size, r[4], (int(r[5]), int(r[6]))) for r, size in zip(rows, sizes, strict=True)
    ]


@link(CHAPTER, "Box to centre and size", "funcs/bbox_cs.npz", 3e-7, "relative")
def boxes(reference: Reference) -> Measured:
    rows = reference.arrays("funcs/bbox_cs.npz")["ar_pad_x_y_w_h_cx_cy_sx_sy"]
    worst = Worst()
    for aspect, padding, x, y, w, h, *expected in rows:
        center, size = box_to_center_size((x, y, w, h), aspect, padding)
        worst.relative(np.concatenate([center, size / UNIT]), expected)
    return Measured(worst.value, f"{len(rows)} boxes")


@link(CHAPTER, "Affine matrices, image to crop", AFFINE, 1e-5, "relative")
def forward(reference: Reference) -> Measured:
    expected = reference.arrays(AFFINE)["forward"]
    worst = Worst()
    worst.relative([affine_matrix(*case) for case in cases(reference)], expected)
    return Measured(worst.value, f"{len(expected)} matrices")


@link(CHAPTER, "Their inverses", AFFINE, 1e-5, "of the largest entry")
def inverse(reference: Reference) -> Measured:
    expected = reference.arrays(AFFINE)["inverse"]
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    ours = np.stack([invert_affine(affine_matrix(*case)) for case in cases(reference)])
    worst = Worst()
    worst.absolute(ours / scale, expected / scale)
    return Measured(worst.value, f"{len(expected)} matrices")


@link(CHAPTER, "Affine matrices of UDP", AFFINE, 1e-5, "of the largest entry")
def udp(reference: Reference) -> Measured:
    expected = reference.arrays(AFFINE)["udp_warp_matrix"]  # float32
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    worst = Worst()
    worst.absolute(np.stack([udp_matrix(*case) for case in cases(reference)]) / scale,
                   expected / scale)  # fmt: skip
    return Measured(worst.value, f"{len(expected)} matrices")


@link(CHAPTER, "Points through the matrices", AFFINE, 1e-4, "px")
def points(reference: Reference) -> Measured:
    arrays = reference.arrays(AFFINE)
    moved = [apply_affine(arrays["points"], affine_matrix(*case)) for case in cases(reference)[::7]]
    worst = Worst()
    worst.absolute(moved, arrays["points_through_every_7th_forward"])
    return Measured(worst.value, f"{20 * len(moved)} points")


@link(CHAPTER, "Mirrored keypoints, left and right swapped", "funcs/flip.npz", 1e-4, "px")
def mirrored(reference: Reference) -> Measured:
    arrays = reference.arrays("funcs/flip.npz")
    worst, count = Worst(), 0
    for dataset in DATASETS:
        swap = model(dataset, 4).keypoints.flip_index
        seen = arrays[f"{dataset}_vis"][swap, :1]
        worst.absolute(seen, arrays[f"{dataset}_flip_vis"][:, :1])
        joints = apply_affine(arrays[f"{dataset}_joints"][:, :2], mirror_matrix(512))[swap]
        worst.absolute(joints * seen, arrays[f"{dataset}_flip_joints_w512"][:, :2])
        count += len(swap)
    return Measured(worst.value, f"{count} keypoints")


@link(CHAPTER, "Heatmaps of mirror images, brought back", "funcs/flip.npz", 0, "heatmap value")
def flip_back(reference: Reference) -> Measured:
    arrays = reference.arrays("funcs/flip.npz")
    worst, count = Worst(), 0
    for dataset in DATASETS:
        topdown = model(dataset, 4)
        mirror = torch.from_numpy(arrays[f"{dataset}_hm"])
        for topdown.shift_heatmap, suffix in ((False, ""), (True, "_shifted")):
            passes = iter([torch.zeros_like(mirror), mirror])  # their mean is half of the second
            topdown.forward = lambda _, passes=passes: next(passes)
            ours = 2 * topdown.predict_heatmaps(torch.zeros(1))
            worst.absolute(ours, arrays[f"{dataset}_hm_flip_back{suffix}"])
            count += 2 * mirror.shape[1]
    return Measured(worst.value, f"{count} maps, with and without shift")


@link(CHAPTER, "Heatmap cells back to the image", "funcs/flip.npz", 1e-3, "px")
def way_back(reference: Reference) -> Measured:
    arrays = reference.arrays("funcs/flip.npz")
    worst, count = Worst(), 0
    for dataset in DATASETS:
        cells, out, out_udp, center, scale, maps = (
            arrays[f"{dataset}_tp_{key}"]
            for key in ("in", "out", "out_udp", "center", "scale", "size")
        )
        size, crop = scale * UNIT, tuple(maps * 4)
        # MMPose scales each axis by itself here; our matrix has one scale. They agree for all
        # boxes that a crop can have; a box of another aspect is compared in x only.
        axes = [0, 1] if np.isclose(size[0] / size[1], maps[0] / maps[1]) else [0]
        moved = apply_affine(cells * 4, invert_affine(affine_matrix(center, size, 0.0, crop)))
        worst.absolute(moved[:, axes], out[:, axes])
        step = (maps * 4 - 1) / (maps - 1)
        matrix = invert_affine(udp_matrix(center, size, 0.0, crop))
        worst.absolute(apply_affine(cells * step, matrix), out_udp)
        count += 2 * len(cells)
    return Measured(worst.value, f"{count} points, plain and UDP")
