"""The page as text, with a comment where a reader will want to change something.

What comes from files stands in it as Python literals only: the page is run as a program.
"""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import hrpose
from hrpose.own_page.content import Content
from hrpose.own_page.labels import OwnLabels, Part
from hrpose.own_page.literals import WIDTH, listed, literal
from hrpose.own_page.sigmas import DEFAULT

PRETRAINED = {
    32: "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w32-36af842e.pth",
    48: "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth",
}


def page_text(content: Content) -> str:
    """The whole page."""
    head = f"""\
        # A page of your own, by `hrpose init` {hrpose.__version__}. Change what you like:
        # `hrpose check` says what does not fit, docs/your_own_data.md what it means.
        """
    parts = [_keypoints(content), _model(content), _pipelines(content), _data(content)]
    return "\n".join([dedent(head), *parts, _schedule(content)])


def _keypoints(content: Content) -> str:
    names = content.labels.names
    if content.sigmas is None:
        about = (
            f"no image was labelled twice, so {DEFAULT:g} is assumed: AP compares only pages with"
        )
        sigmas = [f"    # {about} the same", f"    sigmas=[{DEFAULT:g}] * len(_names),"]
    else:
        about = f"measured on {content.repeats} pairs of labels of the same animal, as COCO does"
        sigmas = [f"    # {about}", listed(content.sigmas, "sigmas=", 4)]
    return "\n".join(
        [
            "# in the order of the annotation files; nothing else here says how many there are",
            listed(names, "_names = ", 0)[:-1],
            "keypoints = dict(",
            '    type="KeypointMeta",',
            f"    dataset={literal(content.name)},",
            "    names=_names,",
            "    # these change places in a mirrored image, all others stay what they are",
            listed(content.flip_pairs, "flip_pairs=", 4),
            "    # limbs to draw, pairs of names",
            listed(content.labels.skeleton, "skeleton=", 4),
            *sigmas,
            ")",
            "",
        ]
    )


def _model(content: Content) -> str:
    plan = content.plan
    flip = "True,\n            shift_heatmap=True" if content.flip else "False"
    start = f"""\
        # the backbone begins with what it learned from ImageNet; None begins with nothing
        pretrained = {literal(PRETRAINED[content.width])}
        """
    text = f"""\
        codec = dict(
            type="MSRAHeatmap",
            input_size={plan.input_size},  # w, h px; crops are {content.median_crop} px (median)
            heatmap_size={plan.heatmap_size},  # a quarter of it
            sigma={plan.sigma:g},  # cells; 2 for 64 cells, as published
            decoding="dark",  # finds points between the cells
            blur_kernel={plan.blur_kernel},
        )
        model = dict(
            type="TopDown",
            backbone=dict(type="HRNet", width={content.width}),
            head=dict(
                type="HeatmapHead",
                in_channels="$model.backbone.width",
                out_channels="$len(keypoints.names)",
            ),
            loss=dict(type="KeypointMSELoss"),
            codec="$codec",
            flip_test={flip},
        )
        """
    if content.start is None:
        return dedent(text) + dedent(start)
    lines = [
        "# a trained model with other keypoints; those with equal names keep its heatmaps, and so",
        "# do the pairs in `same`, yours first: by what names usually mean, so correct them",
        "load_from = dict(",
        '    type="TrainedModel",',
        f"    checkpoint={literal(content.start.checkpoint)},",
        listed(content.start.names, "names=", 4),
        listed(content.start.same, "same=", 4),
        ")",
        "",
    ]
    return dedent(text) + "\n".join(lines)


def _pipelines(content: Content) -> str:
    padding = content.plan.padding
    what = "the frame as it is" if content.whole_frame else "1 is the box as it is"
    flip = '    dict(type="RandomFlip", prob=0.5),\n' if content.flip else ""
    return (
        f'_crop = dict(type="CropBox", input_size="$codec.input_size", padding={padding:g})'
        f"  # {what}\n"
        '_warp = dict(type="Warp", size="$codec.input_size")\n'
        "# milder than published, better for some hundred animals; animals seen from above may\n"
        "# turn further (degrees=90), boxes of a detector want RandomShift\n"
        "train_pipeline = [\n"
        '    dict(type="LoadImage"),\n'
        "    _crop,\n"
        f"{flip}"
        '    dict(type="RandomScaleRotate", scale=0.25, degrees=20, rotate_prob=0.6),\n'
        "    _warp,\n"
        "]\n"
        'test_pipeline = [dict(type="LoadImage"), _crop, _warp]\n'
    )


def _data(content: Content) -> str:
    parts, plan = content.labels.parts, content.plan
    root = _root(content.labels)
    used = {"train": "train", "val": content.validated_on, "test": content.tested_on}
    shared = ['type="CocoPoseDataset"']
    shared += [f"category={literal(content.labels.category)}"] if content.labels.category else []
    shared += ['crop="frame"'] if content.whole_frame else []
    lines = [
        f"_coco = dict({', '.join(shared)})"
        + ("  # the whole frame, not the box" if content.whole_frame else ""),
        "data = dict(",
        f"    root={literal(root.as_posix())},  # paths below start here",
        f"    batch_size={plan.batch_size},  # small, for many steps: of {plan.animals} animals",
        "    workers=2,",
        *(_split(split, part, parts, root) for split, part in used.items()),
        ")",
        "",
    ]
    return "\n".join(lines)


def _split(split: str, part: str, parts: dict[str, Part], root: Path) -> str:
    """The data set `split`, which is `part` of the data where it has no file of its own."""
    if part != split:
        doubt = "what is trained on: it tells memory, not new images"
        why = doubt if part == "train" else f"as there is no file for {split}"
        return f'    {split}="$data.{part}",  # {why}'
    ann_file, img_root = (
        literal(_below(path, root)) for path in (parts[part].ann_file, parts[part].img_root)
    )
    line = f"    {split}=dict(**_coco, ann_file={ann_file}, img_root={img_root}),"
    if len(line) <= WIDTH:
        return line
    rows = ("**_coco", f"ann_file={ann_file}", f"img_root={img_root}")
    return f"    {split}=dict(\n" + "".join(f"        {row},\n" for row in rows) + "    ),"


def _root(labels: OwnLabels) -> Path:
    """The folder that holds images and annotation files; that of the images where it is none."""
    places = [labels.images, *(part.ann_file.parent for part in labels.parts.values())]
    try:
        common = Path(os.path.commonpath(places))
    except ValueError:  # two drives
        return labels.images
    return labels.images if common == Path(common.anchor) else common


def _below(path: Path, root: Path) -> str:
    """`path` as the page says it: from `root` where it lies below, else in full."""
    try:
        below = path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
    return "" if below == "." else below


def _schedule(content: Content) -> str:
    plan = content.plan
    by, unit = 'norm="box"', "in longer sides of the box"
    if content.norm:
        by = f'norm={literal(content.norm)}, missing="leave-out"'
        unit = "in distances of the two; animals without both do not count"
    timed = f"# {content.timed}\n" if content.timed else ""
    return (
        f"# errors are {unit}\n"
        f"_by = dict({by})\n"
        "metrics = [\n"
        '    dict(type="PCK", thr=0.2, **_by),  # share of points nearer than .2\n'
        '    dict(type="NME", **_by),  # mean error\n'
        '    dict(type="EPE"),  # mean error in image px\n'
        '    dict(type="CocoAP"),  # by OKS, with the sigmas above\n'
        "]\n"
        f'optimizer = dict(type="Adam", lr={plan.rate:g})\n'
        f'schedule = dict(type="WarmupCosine", warmup_iters={plan.warmup})\n'
        f"{timed}"
        "runner = dict(\n"
        f"    epochs={plan.epochs},  # of {plan.steps_per_epoch} steps: {plan.steps:,} in all\n"
        f"    val_interval={plan.val_interval},\n"
        '    save_interval="$runner.val_interval",\n'
        '    save_best="NME",\n'
        ")\n"
    )
