"""Names, pairs, halves and limbs out of MMPose's `dataset_info`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrpose.own_page.from_mmpose.known import (
    base_page_name,
    find_base_page,
    known_dataset_info,
    known_keypoints,
)
from hrpose.own_page.from_mmpose.part import Ledger, Part
from hrpose.own_page.from_mmpose.source import read_source


def dataset_info_of(dataset: Part, page: Path) -> Part:
    """The `dataset_info` of a data set: its own, that of a file it names, or by its class.

    Raises:
        ConfigError: there is none.
    """
    if dataset.values.get("dataset_info"):
        return dataset.part("dataset_info")
    dataset.pass_over("dataset_info")
    metainfo = dataset.part("metainfo")
    file = metainfo.take("from_file", str | None, None)
    if metainfo and file is None:
        return metainfo
    name = Path(file).stem if file else base_page_name(dataset.type())
    file = file or (name and f"configs/_base_/datasets/{name}.py")
    found = find_base_page(page, file) if file else None
    if found is not None:
        info = read_source(found).values.get("dataset_info")
    else:
        info = known_dataset_info(name) if name else None
        if info is not None:
            dataset.note(
                "type",
                f"its keypoints are taken from the pages of hrpose: no {file} above the page",
            )
    if not isinstance(info, dict):
        told = f"; there is no {file} in a folder above the page" if file else ""
        raise dataset.refusal(
            "dataset_info",
            f"no keypoints are known of {dataset.type()}{told}. Put `dataset_info=dict(...)` into "
            "the data set, or the base page that has it there",
        )
    return Part(info, "dataset_info", dataset.ledger)


def keypoints_of(info: Part, dataset: str) -> dict[str, Any]:
    """The `keypoints` of a page; `dataset` is MMPose's class of the data set."""
    ledger = info.ledger
    points = _by_number(info, "keypoint_info", ledger)
    if not points:
        raise info.refusal("keypoint_info", "names no keypoints")
    names = [point.take("name", str) for point in points]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    halves: dict[str, list[str]] = {"upper": [], "lower": []}
    for point, name in zip(points, names, strict=True):
        other = point.take("swap", str, "")
        if other:
            pairs.setdefault(frozenset((name, other)), (name, other))
        half = point.take("type", str | None, "")
        if half in halves:
            halves[half].append(name)
        point.pass_over("id", "color")
    links = []
    for limb in _by_number(info, "skeleton_info", ledger):
        links.append(tuple(limb.take("link", tuple[str, str])))
        limb.pass_over("id", "color")
    sigmas = info.take("sigmas", list[float] | None, None)
    info.pass_over("paper_info", "joint_weights")
    known = known_keypoints(base_page_name(dataset)) or {}
    aliases = known.get("aliases", []) if known.get("names") == names else []
    return {
        "type": "KeypointMeta",
        "dataset": info.take("dataset_name", str, "from_mmpose"),
        "names": names,
        **({"aliases": aliases} if aliases else {}),
        "flip_pairs": list(pairs.values()),
        **{f"{half}_body": some for half, some in halves.items() if some},
        **({"sigmas": list(sigmas)} if sigmas else {}),
        "skeleton": links,
    }


def _by_number(info: Part, key: str, ledger: Ledger) -> list[Part]:
    """The dicts of `key`, in the order of their numbers."""
    table = info.take(key, dict, {})
    for number, value in table.items():
        if not isinstance(number, int) or not isinstance(value, dict):
            raise info.refusal(key, "expected a dict of numbers from 0, each with a dict")
    return [Part(table[number], f"{info.at(key)}.{number}", ledger) for number in sorted(table)]
