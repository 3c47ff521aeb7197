"""The steps from image to crop: theirs, one by one, as ours.

MMPose 1.x draws shift, scale and rotation in one step, `RandomBBoxTransform`; until 0.25 the data
set itself did padding and shift, and no step says so. Sizes of moves are shares of the box here, of
the padded box there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hrpose.config.mmpose_names import TYPES
from hrpose.own_page.from_mmpose.part import Part

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PADDING = 1.25
"""Of a crop where no step says it."""
SIZE = "$codec.input_size"
_TARGETS = ("TopDownGenerateTarget", "TopdownGenerateTarget", "GenerateTarget")

Step = dict[str, Any]


@dataclass
class Pipeline:
    """One pipeline of theirs, converted.

    Args:
        padding: of the crop.
        planned: whether a step plans the crop; not so in MMPose until 0.25.
        udp: whether crops are cut as UDP does.
        target: the step that makes heatmaps.
        colours: mean and deviation of R, G, B on a scale of 0 to 1; None where no step says it.
    """

    steps: list[Step] = field(default_factory=list)
    padding: float = PADDING
    planned: bool = False
    udp: bool = False
    target: Part | None = None
    colours: tuple[tuple[float, ...], tuple[float, ...]] | None = None


def read_pipeline(steps: Sequence[Part], old_padding: float, train: bool) -> Pipeline:
    """Their steps as ours.

    Args:
        old_padding: what the data set pads by where no step plans the crop.
    """
    result = Pipeline(padding=old_padding)
    kinds = [TYPES.get(step.type(), step.type()) for step in steps]
    result.planned = "CropBox" in kinds
    if not result.planned:
        result.steps = [{"type": "LoadImage"}, _crop(old_padding)]
        result.steps += [_shift(0.3, 0.2)] if train else []
    for step, kind in zip(steps, kinds, strict=True):
        _add(step, kind, result)
    return result


def _add(step: Part, kind: str, result: Pipeline) -> None:
    """One step of theirs, added to `result`."""
    if step.type() in _TARGETS:
        result.target = step
        return
    match kind:
        case "LoadImage":
            _load(step)
            result.steps += [] if result.steps else [{"type": "LoadImage"}]
        case "CropBox":
            result.padding = step.take("padding", float, PADDING)
            result.steps.append(_crop(result.padding))
        case "RandomShift":
            shift = step.take("shift_factor", float, 0.16) * result.padding
            result.steps.append(_shift(step.take("prob", float, 0.3), shift))
        case "RandomFlip":
            result.steps.append(_flip(step))
        case "RandomHalfBody":
            result.steps.append(_half_body(step))
        case "RandomScaleRotate":
            result.steps.append(
                _scale_rotate(
                    step.take("scale_factor", float, 0.5),
                    step.take("rot_factor", float, 40),
                    step.take("rot_prob", float, 0.6),
                )
            )
        case "RandomShift and RandomScaleRotate":
            result.steps += _box_moves(step, result.padding)
        case "Warp":
            result.udp = step.take("use_udp", bool, False)
            step.pass_over("input_size")
            udp = {"udp": True} if result.udp else {}
            result.steps.append({"type": "Warp", "size": SIZE, **udp})
        case "":
            _without_a_step(step, result)
        case _:
            step.note("type", f"the step {step.type()} is left out; there is none like it here")
            step.pass_over(*step.values)


def _load(step: Part) -> None:
    if step.take("channel_order", str, "rgb") != "rgb" and "channel_order" in step:
        step.note("channel_order", "images are always RGB here")
    step.pass_over(
        "to_float32", "backend_args", "file_client_args", "color_type", "pad_to_aspect_ratio"
    )


def _crop(padding: float) -> Step:
    return {"type": "CropBox", "input_size": SIZE, "padding": padding}


def _shift(prob: float, shift: float) -> Step:
    return {"type": "RandomShift", "prob": prob, "shift": round(shift, 6)}


def _scale_rotate(scale: float, degrees: float, prob: float) -> Step:
    return {
        "type": "RandomScaleRotate",
        "scale": round(scale, 6),
        "degrees": degrees,
        "rotate_prob": prob,
    }


def _flip(step: Part) -> Step:
    key = "flip_prob" if "flip_prob" in step else "prob"
    if step.take("direction", str | list[str], "horizontal") not in ("horizontal", ["horizontal"]):
        raise step.refusal("direction", "only 'horizontal' can be carried over")
    return {"type": "RandomFlip", "prob": step.take(key, float, 0.5)}


def _half_body(step: Part) -> Step:
    if step.type() == "TopDownHalfBodyTransform":
        least = step.take("num_joints_half_body", int, 8) + 1  # "more than" there
        chances: Step = {"prob": step.take("prob_half_body", float, 0.3)}
    else:
        least = step.take("min_total_keypoints", int, 9)
        chances = {
            "prob": step.take("prob", float, 0.3),
            "upper_prob": step.take("upper_prioritized_prob", float, 0.7),
            "min_upper": step.take("min_upper_keypoints", int, 2),
        }
        step.expect("min_lower_keypoints", 3)
        step.expect("padding", 1.5)
    return {"type": "RandomHalfBody", **chances} | ({} if least == 9 else {"min_visible": least})


def _box_moves(step: Part, padding: float) -> list[Step]:
    """Shift, scale and rotation of 1.x, all by normal numbers that keep within the limits."""
    prob, shift = step.take("shift_prob", float, 0.3), step.take("shift_factor", float, 0.16)
    low, high = step.take("scale_factor", tuple[float, float], (0.5, 1.5))
    scale_prob = step.take("scale_prob", float, 1.0)
    degrees, rotate = step.take("rotate_factor", float, 80), step.take("rotate_prob", float, 0.6)
    if abs(low + high - 2) > 1e-6:
        step.note("scale_factor", f"{low:g} to {high:g} is taken as 1 -+ {(high - low) / 2:g}")
    if scale_prob != 1:
        step.note("scale_prob", f"{scale_prob:g}, but every crop is scaled here")
    moves = [_shift(prob, shift * padding)] if prob and shift else []
    moves.append(_scale_rotate((high - low) / 2, degrees, rotate))
    return [{**move, "truncated": True} for move in moves]


def _without_a_step(step: Part, result: Pipeline) -> None:
    """Steps that model and codec do here, unasked."""
    if step.type() == "NormalizeTensor":
        mean, std = step.take("mean", list[float]), step.take("std", list[float])
        result.colours = tuple(mean), tuple(std)
    step.pass_over(*step.values)
