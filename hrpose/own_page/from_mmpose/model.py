"""Backbone, head and decoding; what is no HRNet with a plain heatmap head is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrpose.own_page.from_mmpose.part import Part
from hrpose.own_page.from_mmpose.pipelines import IMAGENET, Pipeline

_ESTIMATORS = ("TopDown", "TopdownPoseEstimator")
_HEADS = ("TopdownHeatmapSimpleHead", "TopDownSimpleHead", "HeatmapHead")
_LOSSES = ("JointsMSELoss", "KeypointMSELoss")
_MEANT = "only top-down HRNet with a plain heatmap head is known here"


@dataclass
class Network:
    """The model of their page, converted.

    Args:
        values: of `model`, without codec.
        pretrained: weights of the backbone to begin with.
        batch_norm: as `runner.batch_norm`.
        head: their head, for what else it says.
        test_cfg: their settings of the prediction.
    """

    values: dict[str, Any]
    pretrained: str | None
    batch_norm: str
    head: Part
    test_cfg: Part


def read_model(root: Part, pipeline: Pipeline, keypoints: int) -> Network:
    """Their `model` as ours.

    Args:
        pipeline: of training, which says how colours are scaled in 0.x.
        keypoints: how many the data set has.

    Raises:
        ConfigError: it is another network.
    """
    model = root.part("model")
    if model.type() not in _ESTIMATORS:
        raise model.refusal("type", f"{model.type()} cannot be carried over: {_MEANT}")
    if model.part("neck"):
        raise model.refusal("neck", f"cannot be carried over: {_MEANT}")
    backbone = model.part("backbone")
    head = model.part("keypoint_head" if "keypoint_head" in model else "head")
    values: dict[str, Any] = {
        "type": "TopDown",
        "backbone": {"type": "HRNet", "width": _width(backbone)},
        "head": _head(head, keypoints),
        "loss": {"type": "KeypointMSELoss"},
        "codec": "$codec",
    }
    _look_at_loss(head.part("loss_keypoint" if "loss_keypoint" in head else "loss"))
    model.pass_over("train_cfg")
    test_cfg = model.part("test_cfg")
    # without the keys 0.x mirrors and 1.x does not; neither shifts
    is_old = "keypoint_head" in model
    values["flip_test"] = test_cfg.take("flip_test", bool, is_old)
    if values["flip_test"]:
        values["shift_heatmap"] = test_cfg.take("shift_heatmap", bool, False)
    else:
        test_cfg.pass_over("shift_heatmap")
    test_cfg.expect("flip_mode", "heatmap")
    colours = pipeline.colours or _preprocessor(model.part("data_preprocessor")) or IMAGENET
    if colours != IMAGENET:
        values |= {"mean": colours[0], "std": colours[1]}
    pretrained, batch_norm = _pretrained(model, backbone), _batch_norm(backbone)
    return Network(values, pretrained, batch_norm, head, test_cfg)


def _width(backbone: Part) -> int:
    """Channels of HRNet's finest branch, of stages that are built as the published ones."""
    if backbone.type() != "HRNet":
        raise backbone.refusal("type", f"{backbone.type()} cannot be carried over: {_MEANT}")
    extra = backbone.part("extra")
    finest = extra.part("stage4").take("num_channels", list[int])
    width = finest[0] if finest else 0
    if not 0 < width <= 1024:
        raise extra.refusal("stage4", f"num_channels {finest} are no channels of an HRNet")
    for number, modules in ((1, 1), (2, 1), (3, 4), (4, 3)):
        stage = extra.part(f"stage{number}")
        wanted = {
            "num_modules": modules,
            "num_branches": number,
            "block": "BOTTLENECK" if number == 1 else "BASIC",
            "num_blocks": (4,) * number,
            "num_channels": (64,) if number == 1 else tuple(width << i for i in range(number)),
        }
        for key, value in wanted.items():
            told = stage.take(key, Any, None)
            told = tuple(told) if isinstance(told, list) else told
            if told != value:
                raise stage.refusal(key, f"got {told!r}, expected {value!r}, as in HRNet-W{width}")
        stage.expect("multiscale_output", False)
    for key in ("upsample", "final_conv_kernel"):
        extra.pass_over(key)
    backbone.expect("in_channels", 3)
    backbone.expect("frozen_stages", -1)
    backbone.expect("conv_cfg", None)
    backbone.pass_over(
        "with_cp", "zero_init_residual", "multiscale_output", "norm_eval", "norm_cfg"
    )
    return width


def _batch_norm(backbone: Part) -> str:
    if backbone.take("norm_eval", bool, False):
        return "frozen"
    return "sync" if backbone.part("norm_cfg").take("type", str, "BN") == "SyncBN" else "local"


def _pretrained(model: Part, backbone: Part) -> str | None:
    weights = model.take("pretrained", str | None, None)
    for start in backbone.parts("init_cfg"):
        if start.take("type", str, "") == "Pretrained":
            weights = start.take("checkpoint", str)
            start.pass_over("map_location")
            start.expect("prefix", None)
        else:
            start.pass_over(*start.values)
    # a name of torchvision or of mmengine's model zoo is no file
    if weights and "://" in weights and not weights.startswith("http"):
        backbone.note(
            "init_cfg", f"{weights} is no address of a file; the page begins with nothing"
        )
        return None
    return weights


def _head(head: Part, keypoints: int) -> dict[str, Any]:
    if head.type() not in _HEADS:
        raise head.refusal("type", f"{head.type()} cannot be carried over: {_MEANT}")
    channels = head.take("out_channels", int)
    if channels != keypoints:
        raise head.refusal(
            "out_channels", f"got {channels}, but the data set has {keypoints} keypoints"
        )
    head.pass_over("in_channels", "align_corners", "init_cfg", "train_cfg", "test_cfg")
    head.expect("in_index", 0, -1)
    for key in ("input_transform", "conv_out_channels", "conv_kernel_sizes"):
        if head.take(key, Any, None):
            raise head.refusal(key, f"cannot be carried over: {_MEANT}")
    if head.type() == "HeatmapHead":
        widths = list(head.take("deconv_out_channels", list[int] | None, (256, 256, 256)) or ())
        kernels = list(head.take("deconv_kernel_sizes", list[int] | None, (4, 4, 4)) or ())
        last = head.part("final_layer") if head.take("final_layer", Any, {}) is not None else None
        final = last.take("kernel_size", int, 1) if last is not None else 0
        if last is not None:
            last.pass_over("padding", "type")
    else:
        count = head.take("num_deconv_layers", int, 3)
        widths = list(head.take("num_deconv_filters", list[int], (256, 256, 256)))[:count]
        kernels = list(head.take("num_deconv_kernels", list[int], (4, 4, 4)))[:count]
        extra = head.part("extra")
        final = extra.take("final_conv_kernel", int, 1)
        if extra.take("num_conv_layers", int, 0):
            raise extra.refusal("num_conv_layers", f"cannot be carried over: {_MEANT}")
        extra.pass_over("num_conv_kernels")
    if final not in (1, 3):
        raise head.refusal("final_layer", f"its kernel is {final}, expected 1 or 3")
    values: dict[str, Any] = {
        "type": "HeatmapHead",
        "in_channels": "$model.backbone.width",
        "out_channels": "$len(keypoints.names)",
    }
    if widths:
        values |= {"deconv_channels": widths, "deconv_kernels": kernels[: len(widths)]}
    return values | ({} if final == 1 else {"final_kernel": final})


def _look_at_loss(loss: Part) -> None:
    if loss and loss.type() not in _LOSSES:
        raise loss.refusal("type", f"{loss.type()} cannot be carried over: only the mean square is")
    if loss and not loss.take("use_target_weight", bool, False):
        loss.note(
            "use_target_weight", "keypoints that are not labelled never count in the loss here"
        )
    loss.expect("loss_weight", 1.0)


def _preprocessor(part: Part) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation of 1.x, which are grey levels there."""
    if not part:
        return None
    part.pass_over("type", "pad_size_divisor", "pad_value", "non_blocking", "batch_augments")
    part.expect("bgr_to_rgb", True)
    if not part.take("bgr_to_rgb", bool, False):
        part.note("bgr_to_rgb", "images are always RGB here, there they stayed BGR")
    mean, std = (
        part.take("mean", list[float] | None, None),
        part.take("std", list[float] | None, None),
    )
    if not mean or not std:
        return None
    return tuple(round(x / 255, 6) for x in mean), tuple(round(x / 255, 6) for x in std)
