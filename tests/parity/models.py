"""The six networks: their state dicts, what comes out of every stage, heatmaps, keypoints."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch

from hrpose.geometry import affine_matrix, apply_affine, invert_affine
from parity.links import DATASETS, INPUTS, Measured, Reference, Worst, link
from parity.recipe import filled_model, model

CHAPTER = "Model"
KEYS, STATS, MAPS = (
    f"model/{name}"
    for name in ("state_dict_keys.json", "forward_stats.json", "forward_outputs.npz")
)
MODELS = [(width, dataset) for width in (32, 48) for dataset in DATASETS]
HEATMAP = 2e-3
"""Heatmaps have a spread of 50 to 80; threads and kernels alone differ by 2e-4."""
CROPS = (((150, 120), 240), ((333.25, 410.5), 600))
"""Centre and height, image px, of the crops that the two images stand for."""
STAGES = ("conv1", "bn1", "conv2", "bn2", "layer1", "stage2", "stage3", "stage4")
MODES = {"plain": "as it is", "flip": "flip test", "flip_noshift": "flip test without shift"}


@link(CHAPTER, "State-dict entries: names, shapes, types, order", KEYS, 0, "entries that differ")
def entries(reference: Reference) -> Measured:
    listed, worst = reference.json(KEYS), Worst()
    for width, dataset in MODELS:
        theirs = {key: (shape, dtype) for key, shape, dtype in listed[f"w{width}"]}
        for key, shape, dtype in listed.get(f"w{width}_{dataset}_differs", []):
            theirs[key] = (shape, dtype)
        with torch.device("meta"):
            state = model(dataset, width).state_dict()
        ours = [(k, list(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in state.items()]
        worst.unequal([str(entry) for entry in ours],
                      [str((key, *rest)) for key, rest in theirs.items()])  # fmt: skip
    return Measured(worst.value, f"6 models of {len(listed['w32'])} entries")


@link(CHAPTER, "Number of parameters", STATS, 0, "parameters")
def parameters(reference: Reference) -> Measured:
    worst = Worst()
    for width, dataset in MODELS:
        with torch.device("meta"):
            count = sum(p.numel() for p in model(dataset, width).parameters())
        worst.absolute(count, reference.json(STATS)[f"w{width}_{dataset}"]["params"])
    return Measured(worst.value, "6 models")


class Outputs:
    """What one network makes of the two reference images."""

    def __init__(self, width: int, dataset: str) -> None:
        w, h = INPUTS[dataset]
        random = np.random.RandomState(20210401)
        self.images = torch.from_numpy(random.standard_normal((2, 3, h, w)).astype("float32"))
        self.topdown = filled_model(dataset, width)
        self.stages: dict[str, list[torch.Tensor]] = {}
        hooks = [
            getattr(self.topdown.backbone, name).register_forward_hook(self._keep(name))
            for name in STAGES
        ]
        with torch.inference_mode():
            self.plain = self.topdown(self.images)
            for hook in hooks:
                hook.remove()
            self.mirrored = self.topdown(self.images.flip(-1))
        self.topdown.backbone = torch.nn.Identity()  # lets go of the weights

    def _keep(self, name: str) -> Callable:
        def keep(_module: object, _inputs: object, output: torch.Tensor | list) -> None:
            outputs = output if isinstance(output, list) else [output]
            self.stages[name] = [tensor.clone() for tensor in outputs]  # ReLU works in place

        return keep

    def heatmaps(self, mode: str) -> torch.Tensor:
        """Heatmaps of `mode`; the network does not run again."""
        if mode == "plain":
            return self.plain
        passes = iter([self.plain, self.mirrored])
        self.topdown.forward = lambda _: next(passes).clone()
        self.topdown.shift_heatmap = mode == "flip"
        return self.topdown.predict_heatmaps(self.images)


@functools.cache
def outputs(width: int, dataset: str) -> Outputs:
    return Outputs(width, dataset)


def all_outputs(reference: Reference) -> Iterator[tuple[str, str, Outputs, dict]]:
    """Name, data set, what we found and what MMPose found, of each model."""
    for width, dataset in MODELS:
        name = f"w{width}_{dataset}"
        yield name, dataset, outputs(width, dataset), reference.json(STATS)[name]


@link(CHAPTER, "Outputs of the stem and of every stage", STATS, HEATMAP, "value", slow=True)
def stages(reference: Reference) -> Measured:
    worst, tensors = Worst(), 0
    for _, _, ours, theirs in all_outputs(reference):
        for name, stored in theirs["feats"].items():
            # the last stage makes the finest branch alone; the others give one output a branch
            for output, facts in zip(ours.stages[name], stored, strict=True):
                wide = output.double().numpy()
                worst.absolute(wide.shape, facts["shape"])
                worst.absolute(wide.reshape(-1)[:8], facts["first8"])
                worst.absolute(wide.mean(), facts["mean"])
                worst.absolute(wide.std(), facts["std"])
                worst.absolute(np.abs(wide).mean(), facts["abssum"] / wide.size)
                tensors += 1
    return Measured(worst.value, f"{tensors} tensors of 6 models: 8 values, mean, spread")


def measure_heatmaps(reference: Reference, mode: str) -> Measured:
    worst, cells = Worst(), 0
    for name, _, ours, theirs in all_outputs(reference):
        heatmaps = ours.heatmaps(mode).double().numpy()
        facts = theirs[mode]
        worst.absolute(heatmaps.shape, facts["shape"])
        worst.absolute(
            [heatmaps.mean(), heatmaps.std(), np.abs(heatmaps).mean()],
            [facts["mean"], facts["std"], facts["abssum"] / heatmaps.size],
        )
        worst.absolute(heatmaps.max((2, 3)), np.asarray(facts["preds"])[..., 2])
        for key in (f"{name}_{mode}{ending}" for ending in ("", "_ds4", "_full")):
            if (stored := reference.arrays(MAPS).get(key)) is not None:
                step = heatmaps.shape[-1] // stored.shape[-1]  # every so many rows and columns
                worst.absolute(heatmaps[..., ::step, ::step], stored)
                cells += stored.size
    return Measured(worst.value, f"6 models, 2 images each, {cells:,} cells")


for _mode, _words in MODES.items():
    link(CHAPTER, f"Heatmaps, {_words}", MAPS, HEATMAP, "heatmap value", slow=True)(
        lambda reference, mode=_mode: measure_heatmaps(reference, mode)
    )


@link(CHAPTER, "Peaks of the heatmaps", STATS, 0, "peaks elsewhere", slow=True)
def peaks(reference: Reference) -> Measured:
    worst, count = Worst(), 0
    for _, _, ours, theirs in all_outputs(reference):
        for mode in MODES:
            heatmaps = ours.heatmaps(mode)
            worst.unequal(heatmaps.flatten(2).argmax(-1), theirs[mode]["argmax"])
            count += heatmaps.shape[1] * 2
    return Measured(worst.value, f"6 models, 3 modes, {count} peaks")


@link(CHAPTER, "Keypoints from these heatmaps", STATS, 1e-3, "image px", slow=True)
def keypoints(reference: Reference) -> Measured:
    worst, count = Worst(), 0
    for _, dataset, ours, theirs in all_outputs(reference):
        for mode in MODES:
            points, _ = ours.topdown.codec.decode(ours.heatmaps(mode))
            preds = np.asarray(theirs[mode]["preds"])
            w, h = INPUTS[dataset]
            for i, (center, height) in enumerate(CROPS):
                size = np.array([height * w / h, height])
                back = invert_affine(affine_matrix(np.array(center), size, 0.0, (w, h)))
                worst.absolute(apply_affine(points[i].numpy(), back), preds[i, :, :2])
            count += preds.shape[0] * preds.shape[1]
    return Measured(worst.value, f"6 models, 3 modes, {count} keypoints")
