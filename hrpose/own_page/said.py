"""What `hrpose init` found and chose, in lines for the terminal."""

from __future__ import annotations

from hrpose.models.channels import mapping_line
from hrpose.own_page.content import Content
from hrpose.own_page.sigmas import DEFAULT
from hrpose.sides import Sides


def lines_of(content: Content, sides: Sides) -> list[str]:
    """The parts, the table of flip pairs, sigmas, sizes, schedule and the start."""
    labels, plan = content.labels, content.plan
    lines = [str(part) for part in labels.parts.values()] + list(labels.notes)
    if content.validated_on == "train":
        lines.append(
            "no other file: validated and tested on what is trained on, which tells memory and "
            "not how good it is on new images"
        )
    elif content.validated_on == content.tested_on:
        lines.append(f"validated and tested on {content.validated_on}")
    lines += _flips(content, sides)
    if content.sigmas is None:
        lines.append(f"sigmas: {DEFAULT:g} for all, assumed; no image was labelled twice")
    else:
        lines.append(f"sigmas: measured on {content.repeats} pairs of labels of the same animal")
    lines.append(
        f"crops: {content.median_crop} px (median); input {_by(plan.input_size)} px, heatmaps "
        f"{_by(plan.heatmap_size)} cells, sigma {plan.sigma:g}"
    )
    lines.append(
        f"{plan.epochs} epochs of {plan.steps_per_epoch} steps of {plan.batch_size} animals: "
        f"{plan.steps:,} steps; rate {plan.rate:g}, half a cosine to 0"
    )
    lines += [content.timed] if content.timed else []
    if content.start:
        lines.append(mapping_line(labels.names, content.start.channels(labels.names)))
        pairs = ", ".join(f"{ours} from {theirs}" for ours, theirs in content.start.same)
        lines += [f"by meaning: {pairs}; correct it in load_from.same"] if pairs else []
    return lines


def _flips(content: Content, sides: Sides) -> list[str]:
    """The table of what a mirrored image changes."""
    pairs = content.flip_pairs
    paired = {name for pair in pairs for name in pair}
    itself = [name for name in content.labels.names if name not in paired]
    width = max([0, *(len(left) for left, _ in pairs)])
    lines = [f"{len(content.labels.names)} keypoints; in a mirrored image change places"]
    lines += [f"  {left:<{width}}  <->  {right}" for left, right in pairs] or ["  none"]
    lines += [f"  and stay themselves: {', '.join(itself)}"] if itself else []
    if sides.near:
        lines.append(
            "  near is taken for left; if it is the side that faces the camera, take these pairs "
            "out of flip_pairs"
        )
    if not content.flip:
        lines.append("  --no-flip: trained and tested without mirrored images")
    return lines


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
