"""From predictions to numbers."""

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from hrpose.metrics import AUC, EPE, NME, PCK, CocoAP
from hrpose.metrics.ap.numbers import STATS
from hrpose.metrics.ap.oks import oks, oks_nms, soft_oks_nms
from hrpose.metrics.functional import auc, distances, mean_of, pck
from hrpose.structures import Instances, Labels, Predictions
from parity.links import Measured, Reference, Worst, link

CHAPTER = "Metrics"
HORSE, BY_BOX = "metrics/metrics_v014.json", "metrics/metrics_v029.json"
PAIR = ("Nose", "Eye")
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)
NAMES = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
SETTINGS: dict[str, dict[str, Any]] = {
    "config_default": {},
    "soft_nms": {"nms": "soft"},
    "soft_nms_thr0_5": {"nms": "soft", "oks_thr": 0.5},
    "oks0_5": {"oks_thr": 0.5},
    "oks0_7": {"oks_thr": 0.7},
    "oks1_0": {"oks_thr": 1.0},
    "vis0": {"vis_thr": 0.0},
    "vis0_5": {"vis_thr": 0.5},
    "no_nms": {"nms": "none"},
}


@functools.cache
def case(reference: Reference, dataset: str) -> tuple[Predictions, Labels]:
    """Predictions and labels of the 200-image case of `dataset`.

    Horse-10 answers its annotations; the others answer boxes, which belong to none.
    """
    coco = reference.json(f"metrics/synth_{dataset}.json")
    file = reference.arrays(f"metrics/pred_{dataset}.npz")
    ids = np.stack([file["image_ids"], file["bbox_ids"]], axis=1)
    _, first = np.unique(ids, axis=0, return_index=True)  # sorted; of a repeated box the first
    preds, boxes = file["preds"][first], file["boxes"][first]
    rows = [a for a in coco["annotations"] if max(a["keypoints"]) > 0]
    if dataset == "horse10":
        index = file["bbox_ids"][first]
    else:
        index = np.arange(len(first))
        rows = [
            {"id": -1, "image_id": number, "area": 0, "bbox": [0] * 4, "score": box[5],
             "keypoints": [0] * preds.shape[1] * 3}
            for number, box in zip(file["image_ids"][first].tolist(), boxes, strict=True)
        ]  # fmt: skip
    answers = Predictions(preds[..., :2], preds[..., 2], index, boxes[:, 4])
    return answers, Labels(instances(rows), coco, reference.meta(dataset))


def instances(rows: list[dict[str, Any]]) -> Instances:
    """Annotations as columns."""
    points = np.array([row["keypoints"] for row in rows], np.float32).reshape(len(rows), -1, 3)
    visible = points[..., 2] > 0
    return Instances(
        keypoints=np.where(visible[..., None], points[..., :2], 0),
        visible=visible.astype(np.float32),
        boxes=np.array([row["bbox"] for row in rows], np.float32),
        areas=np.array([row["area"] for row in rows], np.float32),
        image_ids=np.array([row["image_id"] for row in rows], np.int64),
        annotation_ids=np.array([row["id"] for row in rows], np.int64),
        box_scores=np.array([row.get("score", 1) for row in rows], np.float32),
        category_ids=np.ones(len(rows), np.int64),
    )


def compare(reference: Reference, pairs: Iterable[tuple[Any, float]]) -> Worst:
    """Overall numbers of metrics on the Horse-10 case against given ones."""
    worst = Worst()
    for metric, expected in pairs:
        (value,) = metric.compute(*case(reference, "horse10")).values.values()
        worst.absolute(value, expected)
    return worst


@link(CHAPTER, "PCK@0.3 and NME of Horse-10, as in the table", HORSE, 1e-6, "PCK, NME")
def horse(reference: Reference) -> Measured:
    their = reference.json(HORSE)["results"]["horse10"]
    pairs = [
        (PCK(0.3, PAIR, "mmpose-2021"), their["evaluate_PCK"]["PCK"]),
        (NME(PAIR, "mmpose-2021"), their["evaluate_NME"]["NME"]),
    ]
    return Measured(compare(reference, pairs).value, "229 animals, 22 keypoints")


@link(CHAPTER, "PCK of Horse-10 at five thresholds, per keypoint", HORSE, 1e-6, "PCK")
def horse_thresholds(reference: Reference) -> Measured:
    their = reference.json(HORSE)["results"]["horse10"]
    worst = Worst()
    for thr in THRESHOLDS:
        scores = PCK(thr, PAIR, "mmpose-2021").compute(*case(reference, "horse10"))
        expected = their[f"func_PCK@{thr}_nose_eye"]
        worst.absolute(list(scores.values.values()), [expected["avg"]])
        worst.absolute(list(*map(dict.values, scores.per_keypoint.values())), expected["per_joint"])
    return Measured(worst.value, f"{len(THRESHOLDS)} x (1 + 22) numbers")


@link(CHAPTER, "Horse-10 by the box, as MMPose counts since 0.19", BY_BOX, 1e-6, "PCK, NME")
def horse_by_box(reference: Reference) -> Measured:
    their = reference.json(BY_BOX)["results"]["horse10"]
    pairs = [
        (PCK(0.2, "box"), their["evaluate_PCK"]["PCK"]),
        (PCK(0.05, "box"), their["func_PCK@0.05_bbox_max"]["avg"]),
        (PCK(0.2, "box"), their["func_PCK@0.2_bbox_max"]["avg"]),
        (NME("box"), their["func_NME_bbox_max"]),
    ]
    return Measured(compare(reference, pairs).value, "4 numbers of 229 animals")


@link(CHAPTER, "Horse-10, only animals with nose and eye", HORSE, 1e-6, "PCK, NME")
def horse_with_both(reference: Reference) -> Measured:
    their = reference.json(HORSE)["results"]["horse10"]
    ending = "only_samples_with_both_nose_and_eye"
    pairs = [
        (PCK(0.3, PAIR, "leave-out"), their[f"func_PCK@0.3_{ending}"]),
        (NME(PAIR, "leave-out"), their[f"func_NME_{ending}"]),
    ]
    return Measured(compare(reference, pairs).value, f"2 numbers of {their['n_both']} animals")


@link(CHAPTER, "AUC and EPE", HORSE, 1e-6, "AUC, px")
def in_pixels(reference: Reference) -> Measured:
    their = reference.json(HORSE)["results"]["horse10"]
    pairs = [
        (AUC(30, 20), their["func_AUC_nor30"]),
        (AUC(10, 20), their["func_AUC_nor10_step20"]),
        (EPE(), their["func_EPE"]),
    ]
    return Measured(compare(reference, pairs).value, "3 numbers of 229 animals")


def measure_functions(reference: Reference, version: str) -> Measured:
    """PCK, NME, AUC, EPE of random points, where two animals have a zero normaliser."""
    file = reference.arrays(f"funcs/coord_metrics_{version}.npz")
    raw = file["normalize"]
    if version == "v014":  # a zero becomes huge
        lengths = np.where(raw > 0, raw, 1e6)
    else:  # the animal is left out
        lengths = np.where((raw == 0).any(axis=1, keepdims=True), np.nan, raw)

    def table(length: Any) -> np.ndarray:
        spread = np.broadcast_to(np.asarray(length, np.float64), raw.shape)
        return distances(file["pred"], file["gt"], file["mask"], spread)

    worst, normalised = Worst(), table(lengths)
    for thr in THRESHOLDS:
        overall, per_keypoint = pck(normalised, thr)
        worst.absolute(np.nan_to_num(per_keypoint, nan=-1), file[f"pck_{thr}_acc"])
        worst.absolute(overall, file[f"pck_{thr}_avg"])
    worst.absolute(mean_of(normalised)[0], file["nme"])
    worst.absolute(mean_of(table(1))[0], file["epe"])
    worst.absolute(auc(table(30), 20)[0], file["auc30"])
    worst.absolute(auc(table(50), 10)[0], file["auc50_step10"])
    return Measured(worst.value, "50 animals, 17 keypoints, 94 numbers")


for _version in ("v014", "v029"):
    link(CHAPTER, f"PCK, NME, AUC, EPE as functions, {_version[:2]}.{_version[2:]}",
         f"funcs/coord_metrics_{_version}.npz", 1e-6, "number")(
        lambda reference, version=_version: measure_functions(reference, version)
    )  # fmt: skip


@link(CHAPTER, "OKS between poses", "funcs/oks_nms.npz", 1e-6, "OKS")
def similarities(reference: Reference) -> Measured:
    worst, file = Worst(), reference.arrays("funcs/oks_nms.npz")
    for name in ("macaque", "atrw"):
        keypoints, areas, sigmas = (file[f"{name}_{k}"] for k in ("keypoints", "areas", "sigmas"))
        points = keypoints[..., :2]
        ours = oks(points[:, None], areas[:, None], points, areas, sigmas)
        worst.absolute(ours, file[f"{name}_oks_iou"])
    return Measured(worst.value, "2 x 30 x 30 pairs")


@link(CHAPTER, "OKS NMS and soft NMS: who is kept, in which order", "funcs/oks_nms.npz", 0, "poses")
def suppression(reference: Reference) -> Measured:
    worst, file = Worst(), reference.arrays("funcs/oks_nms.npz")
    for name in ("macaque", "atrw"):
        keypoints, scores, areas, sigmas = (
            file[f"{name}_{key}"] for key in ("keypoints", "scores", "areas", "sigmas")
        )
        for thr in (0.3, 0.5, 0.7, 0.9, 1.0):
            for suppress, key in ((oks_nms, "oks_nms"), (soft_oks_nms, "soft_oks_nms")):
                kept = suppress(keypoints[..., :2], scores, areas, sigmas, thr)
                worst.unequal(kept, file[f"{name}_{key}_keep_{thr}"])
    return Measured(worst.value, "2 x 30 poses, 5 thresholds, hard and soft")


@link(CHAPTER, "Rescored detections after NMS", "metrics/result_after_nms_*.npz", 1e-6, "score, px")
def rescored(reference: Reference) -> Measured:
    worst, detections = Worst(), 0
    for dataset in ("macaque", "atrw"):
        answers, labels = case(reference, dataset)
        truth, meta = labels.truth, labels.meta
        found = CocoAP().detections(answers, truth, np.array(meta.sigmas))
        file = reference.arrays(f"metrics/result_after_nms_{dataset}.npz")
        points = np.concatenate([found.keypoints, found.scores[..., None]], axis=2)
        ours = table(found.image_ids, found.instance_scores, points)
        theirs = table(file["image_id"], file["score"], file["keypoints"])
        worst.absolute(ours, theirs)
        detections += len(theirs)
    return Measured(worst.value, f"{detections} detections")


def table(image_ids: np.ndarray, scores: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Detections, one a row, in an order that does not depend on ties between scores."""
    rows = np.column_stack([image_ids, scores, points.reshape(len(scores), -1)])
    return rows[np.lexsort((*rows.T[2:].round(3), rows[:, 1].round(5), rows[:, 0]))]


@link(CHAPTER, "The ten COCO numbers", "metrics/metrics_v014.json", 1e-6, "AP, AR")
def coco_numbers(reference: Reference) -> Measured:
    worst = Worst()
    for dataset in ("macaque", "atrw"):
        their = reference.json("metrics/metrics_v014.json")["results"][dataset]
        for name, options in SETTINGS.items():
            values = CocoAP(**options).compute(*case(reference, dataset)).values
            stats = their[name]["stats"]
            worst.absolute([values[stat] for stat in STATS], [stats[stat] for stat in NAMES])
    return Measured(worst.value, "2 data sets of 200 images, 9 settings, 180 numbers")
