"""Keypoints to heatmaps and back."""

import numpy as np
import torch

from hrpose.codecs import MSRAHeatmap, UDPHeatmap
from hrpose.geometry import affine_matrix, apply_affine, invert_affine, udp_matrix
from parity.links import DATASETS, UNIT, Measured, Reference, Worst, link

CHAPTERS = ("Targets", "Decoding")
TARGETS = {
    "msra": ("Targets", MSRAHeatmap, {}),
    "msra_sigma3": ("Targets, sigma 3", MSRAHeatmap, {"sigma": 3}),
    "msra_unbiased": ("Targets of DARK (unbiased)", MSRAHeatmap, {"unbiased": True}),
    "udp_gauss": ("Targets of UDP", UDPHeatmap, {}),
}
DECODED = {
    "default": ("Decoding, shifted a quarter cell", MSRAHeatmap, {}, 1e-3),
    "none": ("Decoding, whole cells", MSRAHeatmap, {"decoding": "none"}, 1e-3),
    "unbiased_k11": ("Decoding by DARK", MSRAHeatmap, {"decoding": "dark"}, 1e-2),
    "unbiased_k17": (
        "Decoding by DARK, kernel 17", MSRAHeatmap, {"decoding": "dark", "blur_kernel": 17}, 1e-2
    ),
    "udp_gauss_k11": ("Decoding by UDP", UDPHeatmap, {}, 1e-2),
    "udp_gauss_k3": ("Decoding by UDP, kernel 3", UDPHeatmap, {"blur_kernel": 3}, 1e-2),
}  # fmt: skip


def pipeline_file(dataset: str) -> str:
    """Crops and targets: MacaquePose of v0.14, the others alike in both releases."""
    return f"data/test_pipeline_{dataset}_{'v014' if dataset == 'macaque' else 'v029'}"


def measure_targets(reference: Reference, variant: str) -> Measured:
    _, codec_type, options = TARGETS[variant]
    worst, maps = Worst(), 0
    for dataset in DATASETS:
        arrays = reference.arrays(f"{pipeline_file(dataset)}.npz")
        for i in range(3):
            if f"target_{variant}_{i}" not in arrays:
                continue
            expected = arrays[f"target_{variant}_{i}"]
            height, width = expected.shape[1:]
            codec = codec_type((width * 4, height * 4), (width, height), **options)
            target, weight = codec.encode(
                torch.from_numpy(arrays[f"joints_3d_{i}"][None, :, :2]),
                torch.from_numpy(arrays[f"joints_3d_visible_{i}"][None, :, 0]),
            )
            worst.absolute(target[0], expected)
            worst.absolute(weight[0], arrays[f"target_weight_{variant}_{i}"][:, 0])
            maps += len(expected)
    return Measured(worst.value, f"{maps} maps and weights")


def measure_decoding(reference: Reference, variant: str) -> Measured:
    _, codec_type, options, _ = DECODED[variant]
    worst, points, left_out = Worst(), 0, 0
    for dataset in ("horse10", "atrw"):
        arrays = reference.arrays(f"funcs/decode_{dataset}.npz")
        maps = arrays["heatmaps"]
        codec = codec_type((256, 256), maps.shape[:1:-1], **options)
        keypoints, scores = codec.decode(torch.from_numpy(maps))
        worst.absolute(scores, arrays[f"maxvals_{variant}"][..., 0])
        make = udp_matrix if codec.udp else affine_matrix
        for i, (center, scale) in enumerate(zip(arrays["center"], arrays["scale"], strict=True)):
            back = invert_affine(make(center, scale * UNIT, 0.0, (256, 256)))
            apart = apply_affine(keypoints[i].numpy(), back) - arrays[f"preds_{variant}"][i]
            # of a map without a peak MMPose's UDP reads other maps' memory
            used = scores[i].numpy() > 0 if codec.udp else np.ones(len(apart), bool)
            worst.absolute(apart[used], np.zeros_like(apart[used]))
            points += np.count_nonzero(used)
            left_out += np.count_nonzero(~used)
    note = f", {left_out} maps without a peak left out" if left_out else ""
    return Measured(worst.value, f"{points} keypoints and scores{note}")


for _variant, (_name, *_) in TARGETS.items():
    link(CHAPTERS[0], f"{_name}, and weights", "data/test_pipeline_*.npz", 1e-6, "heatmap value")(
        lambda reference, variant=_variant: measure_targets(reference, variant)
    )
for _variant, (_name, _, _, _tolerance) in DECODED.items():
    link(CHAPTERS[1], _name, "funcs/decode_*.npz", _tolerance, "image px")(
        lambda reference, variant=_variant: measure_decoding(reference, variant)
    )
