"""hrpose beside DeepLabCut 3.0.2 on images and boxes, with the deterministic weights of the golden
files: in DeepLabCut's convention, and the same weights in ours.
"""

import argparse
import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrpose.api.load import load_trained
from hrpose.config import load
from hrpose.config.pages import find_page
from hrpose.engine.experiment import prepare
from hrpose.models.foreign.deeplabcut import from_ours
from hrpose.predict.pipeline import Pipeline
from hrpose.predict.pose import Pose

TESTS = Path(__file__).resolve().parents[2] / "tests"
GOLDEN = TESTS / "golden/deeplabcut/forward.json"
PAGES = {
    "quadruped": "superanimal_quadruped",
    "topviewmouse": "superanimal_topviewmouse",
    "plain_locref": "superanimal_topviewmouse",
}
HEADS = {"A": 1.0, "B": 0.002}
"""Factor of the last layer: with A scores are cut to 1, with B they lie between 0 and 1."""
SAFE_GAP = 2e-3  # between the two highest cells: heatmaps of two programs agree to this


def page_of(case: str) -> dict[str, Any]:
    """The page for a case: for that of a project four points and location refinement."""
    page = load(find_page(PAGES[case]))
    if case == "plain_locref":
        names = ["snout", "leftear", "rightear", "tailbase"]
        page["keypoints"] = {"type": "KeypointMeta", "dataset": "openfield", "names": names}
        page["model"]["head"] |= {"out_channels": len(names), "type": "RefinementHead"}
        page["codec"] |= {"refinement": True}
        page["model"]["codec"] = page["codec"]
    return page


def in_our_convention(page: dict[str, Any], crop: bool) -> dict[str, Any]:
    """`page` with quarter-cell decoding and, with `crop`, the crop that `Warp` cuts."""
    page = copy.deepcopy(page)
    page["codec"] = {"type": "MSRAHeatmap", "input_size": (256, 256), "heatmap_size": (64, 64)}
    page["model"]["codec"] = page["codec"]
    page["model"]["head"] |= {"type": "HeatmapHead"}
    if crop:
        page["test_pipeline"] = [
            {"type": "LoadImage"},
            {"type": "CropBox", "input_size": (256, 256), "padding": 1.0},
            {"type": "Warp", "size": (256, 256)},
        ]
    return page


def write_snapshot(path: Path, case: str, head: str) -> None:
    """The deterministic weights as a snapshot of DeepLabCut."""
    sys.path.insert(0, str(TESTS))
    from parity.recipe import deterministic

    state = prepare(page_of(case)).model.state_dict()
    for key, value in state.items():
        name = key.replace("keypoint_head.refinement_layer", "locref_head.final_layer")
        factor = 1.0
        if not key.startswith("backbone."):
            factor = HEADS["B"] if "locref" in name else HEADS[head]
        filled = deterministic(name, value.shape).astype(np.float32) * np.float32(factor)
        state[key] = torch.from_numpy(np.asarray(filled)).to(value.dtype)
    metadata = {"epoch": 1, "metrics": {}, "losses": {}}
    torch.save({"model": from_ours(state), "metadata": metadata}, path)


def compare(
    case: str, head: str, page: dict[str, Any], snapshot: Path, data: Path, positive: bool = False
) -> np.ndarray:
    """Rows (N, 4) of x and y less DeepLabCut's in px of the image, the same of the score, and px of
    the image that one of the crop is; of all points whose highest cell is certain.

    Args:
        data: the folder of real data; the golden file names images below it.
        positive: leave out maps without a value above 0, for which our codecs give no place.
    """
    trained = load_trained(page, snapshot, device="cpu")
    pose = Pose(Pipeline(trained.cropper, trained.estimate))
    rows = []
    for item in json.loads(GOLDEN.read_text())["cases"][case]:
        image = data / item["image"].removeprefix("data/")
        keypoints, scores = pose(image, [item["bbox_xywh"]])
        theirs = np.array(item[f"bodyparts_image_px_head{head}"])
        safe = np.array(item["heatmap"]["peak_gap"]) > SAFE_GAP
        if positive:
            safe &= np.array(item["heatmap"]["max"]) > 0
        found = np.column_stack([keypoints[0], scores[0]]) - theirs
        scale = np.full(len(found), item["scale_xy"][0])
        rows.append(np.column_stack([found, scale])[safe])
    return np.concatenate(rows)


def main(argv: list[str] | None = None) -> None:
    """Print how far hrpose is from DeepLabCut."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of real data (HRPOSE_DATA)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for case in PAGES:
            for head in HEADS:
                snapshot = Path(folder, f"{case}_{head}.pt")
                write_snapshot(snapshot, case, head)
                _print(case, head, snapshot, args.data)
                snapshot.unlink()


def _print(case: str, head: str, snapshot: Path, data: Path) -> None:
    page = page_of(case)
    rows = compare(case, head, page, snapshot, data)
    points, scores = np.abs(rows[:, :2]).max(), np.abs(rows[:, 2]).max()
    print(f"{case}, head {head}: {len(rows)} points, {points:.2g} px, scores {scores:.2g}")
    if head == "A":
        for crop in (False, True):
            rows = compare(case, head, in_our_convention(page, crop), snapshot, data, True)
            cells = rows[:, :2] / rows[:, 3:]
            whose = "our crop" if crop else "their crop"
            print(
                f"  our decoding, {whose}: input px, median {np.median(cells, axis=0).round(2)}, "
                f"from {cells.min(axis=0).round(2)} to {cells.max(axis=0).round(2)}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
