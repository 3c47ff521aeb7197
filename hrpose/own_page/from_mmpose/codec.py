"""Targets and decoding: a codec in 1.x; spread over data, pipeline and head in 0.x."""

from __future__ import annotations

from typing import Any

from hrpose.own_page.from_mmpose.model import Network
from hrpose.own_page.from_mmpose.part import Part
from hrpose.own_page.from_mmpose.pipelines import Pipeline

KERNEL = 11
"""Taps of DARK's blur where nothing is said."""


def codec_of(
    network: Network, root: Part, settings: Part, train: Pipeline, test: Pipeline
) -> dict[str, Any]:
    """The `codec` of the page.

    Args:
        settings: 0.x's `data_cfg` of the training set.

    Raises:
        ConfigError: targets that are no Gaussian heatmaps, or parts that disagree over UDP.
    """
    if "decoder" in network.head or "codec" in root:
        codec = _new(network, root, train)
    else:
        codec = _old(network, root, settings, train)
    for name, pipeline in (("train_pipeline", train), ("test_pipeline", test)):
        if pipeline.udp != (codec["type"] == "UDPHeatmap"):
            raise root.refusal(
                name, f"crops with use_udp={pipeline.udp} do not go with targets of {codec['type']}"
            )
    return codec


def _new(network: Network, root: Part, train: Pipeline) -> dict[str, Any]:
    codec = network.head.part("decoder") or root.part("codec")
    encoder = train.target.take("encoder", Any, codec.values) if train.target else codec.values
    if encoder != codec.values:
        raise root.refusal("train_pipeline", "makes targets with another codec than the head's")
    if train.target:
        train.target.expect("target_type", "heatmap", "keypoint_heatmap")
    root.pass_over("codec")
    values = _sizes(codec, "input_size", "heatmap_size")
    values["sigma"] = codec.take("sigma", float, 2)
    match codec.type():
        case "MSRAHeatmap":
            dark = codec.take("unbiased", bool, False)
            kernel = codec.take("blur_kernel_size", int, KERNEL)
            return {
                "type": "MSRAHeatmap",
                **values,
                **_decoding("dark" if dark else "by-axis", kernel),
            }
        case "UDPHeatmap" if codec.take("heatmap_type", str, "gaussian") == "gaussian":
            codec.pass_over("radius_factor")
            return {
                "type": "UDPHeatmap",
                **values,
                **_kernel(codec.take("blur_kernel_size", int, KERNEL)),
            }
    raise codec.refusal(
        "type", f"{codec.type()} cannot be carried over: only MSRA's and UDP's Gaussians can"
    )


def _old(network: Network, root: Part, settings: Part, train: Pipeline) -> dict[str, Any]:
    target, test = train.target, network.test_cfg
    if target is None:
        raise root.refusal("train_pipeline", "has no TopDownGenerateTarget")
    values = _sizes(settings, "image_size", "heatmap_size")
    values["sigma"] = target.take("sigma", float, 2)
    encoding = target.take("encoding", str, "MSRA").upper()
    kind = target.take("target_type", str, "GaussianHeatmap")
    test.pass_over("target_type", "valid_radius_factor")
    target.pass_over("kernel", "valid_radius_factor")
    kernel = test.take("modulate_kernel", int, KERNEL)
    udp = test.take("use_udp", bool, False)
    if encoding not in ("MSRA", "UDP") or kind.lower() != "gaussianheatmap":
        told = kind if encoding in ("MSRA", "UDP") else encoding
        raise target.refusal("encoding", f"{told} cannot be carried over: only Gaussians can")
    if udp != (encoding == "UDP"):
        raise test.refusal("use_udp", f"{udp} does not go with targets of {encoding}")
    decoding = _old_decoding(test)
    exact = target.take("unbiased_encoding", bool, False)
    if encoding == "UDP":
        return {"type": "UDPHeatmap", **values, **_kernel(kernel)}
    exact_by_default = decoding == "dark"
    unbiased = {} if exact == exact_by_default else {"unbiased": exact}
    return {"type": "MSRAHeatmap", **values, **_decoding(decoding, kernel), **unbiased}


def _old_decoding(test: Part) -> str:
    """What 0.x makes of a peak, in our words; it has two ways to say DARK."""
    process = test.take("post_process", str | bool | None, "default")
    dark = test.take("unbiased_decoding", bool, False)
    if process == "unbiased" or (dark and process in ("default", True)):
        return "dark"
    if process in ("default", True):
        return "default"
    if process in (None, False):
        return "none"
    raise test.refusal("post_process", f"{process!r} cannot be carried over")


def _sizes(part: Part, image: str, heatmap: str) -> dict[str, Any]:
    return {
        "input_size": tuple(part.take(image, tuple[int, int])),
        "heatmap_size": tuple(part.take(heatmap, tuple[int, int])),
    }


def _decoding(decoding: str, kernel: int) -> dict[str, Any]:
    if decoding == "dark":
        return {"decoding": "dark", **_kernel(kernel)}
    return {} if decoding == "default" else {"decoding": decoding}


def _kernel(kernel: int) -> dict[str, int]:
    return {} if kernel == KERNEL else {"blur_kernel": kernel}
