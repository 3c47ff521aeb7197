"""What is measured, and which measure chooses the best checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrpose.own_page.from_mmpose.part import Part

_AP = {"mAP": "AP", "AP": "AP", "AP .5": "AP50", "AP .75": "AP75", "AR": "AR"}
_NMS = {"oks_nms": "hard", "soft_oks_nms": "soft", "none": "none"}
_NORMS = {"bbox": "box", "head": "head"}

Metric = dict[str, Any]
Named = dict[str, str]
"""Their name of a number, and ours."""


def metrics_of(root: Part, settings: Part, names: Sequence[str]) -> tuple[list[Metric], str | None]:
    """The `metrics` of the page, and `runner.save_best`.

    Args:
        settings: 0.x's `data_cfg` of the test set.
        names: of the keypoints.
    """
    if "val_evaluator" in root:
        found, named = _new(root.parts("val_evaluator"), names)
        root.pass_over("test_evaluator")
        best = root.part("default_hooks").part("checkpoint").take("save_best", Any, None)
    else:
        evaluation = root.part("evaluation")
        found, named = _old(evaluation, settings, names)
        best = evaluation.take("save_best", Any, evaluation.take("key_indicator", Any, None))
        evaluation.pass_over("rule", "gpu_collect", "res_folder")
    if not found:
        root.ledger.note(
            "evaluation", "measures nothing that is known here; the page measures PCK@0.2"
        )
        found, named = [_pck(0.2, "box")], {"PCK": "PCK@0.2"}
    return found, _best(best, named, root)


def _best(best: Any, named: Named, root: Part) -> str | None:
    wanted = best[0] if isinstance(best, list | tuple) and best else best
    if not wanted:
        return None
    short = str(wanted).split("/")[-1]
    if short in named or wanted == "auto":
        return named.get(short, next(iter(named.values())))
    first = next(iter(named.values()))
    root.ledger.note("save_best", f"'{wanted}' is not measured here; the best is chosen by {first}")
    return first


def _old(evaluation: Part, settings: Part, names: Sequence[str]) -> tuple[list[Metric], Named]:
    wanted = evaluation.take("metric", str | list[str], "mAP")
    found: list[Metric] = []
    named: Named = {}
    for name in [wanted] if isinstance(wanted, str) else wanted:
        match name:
            case "mAP":
                soft = {"nms": "soft"} if settings.take("soft_nms", bool, False) else {}
                oks, seen = (
                    settings.take("oks_thr", float, 0.9),
                    settings.take("vis_thr", float, 0.2),
                )
                found.append({"type": "CocoAP", "oks_thr": oks, "vis_thr": seen, **soft})
                named |= _AP
            case "PCK":  # the thresholds stand in MMPose's code
                found.append(_pck(0.2, "box"))
                named["PCK"] = "PCK@0.2"
            case "PCKh":
                found.append({**_pck(0.7, "head"), "variant": "head"})
                named["PCKh"] = "head/PCK@0.7"
            case "AUC" | "EPE":
                found.append({"type": name})
                named[name] = name
            case "NME" if tuple(names[:2]) == ("Nose", "Eye"):  # of Horse-10
                found.append({"type": "NME", "norm": tuple(names[:2])})
                named["NME"] = "NME"
            case _:
                evaluation.note("metric", f"{name} is left out; there is none like it here")
    settings.pass_over("soft_nms", "oks_thr", "vis_thr")
    return found, named


def _new(evaluators: Sequence[Part], names: Sequence[str]) -> tuple[list[Metric], Named]:
    found: list[Metric] = []
    named: Named = {}
    for part in evaluators:
        kind = part.type()
        part.pass_over("ann_file", "prefix", "collect_device", "format_only", "outfile_prefix")
        match kind:
            case "CocoMetric":
                found.append(_coco(part))
                named |= _AP
            case "PCKAccuracy":
                thr, item = part.take("thr", float, 0.05), part.take("norm_item", Any, "bbox")
                for one in item if isinstance(item, list | tuple) else [item]:
                    if one not in _NORMS:
                        part.note("norm_item", f"'{one}' is left out; there is none like it here")
                        continue
                    variant = {} if one == "bbox" else {"variant": one}
                    found.append({**_pck(thr, _NORMS[one]), **variant})
                    theirs = "PCK" if one == "bbox" else "PCKh"
                    named[theirs] = f"{one}/PCK@{thr:g}" if variant else f"PCK@{thr:g}"
            case "AUC":
                norm, steps = part.take("norm_factor", float, 30), part.take("num_thrs", int, 20)
                found.append({"type": "AUC"} | _unless(norm=(norm, 30), steps=(steps, 20)))
                named["AUC"] = "AUC"
            case "EPE":
                found.append({"type": "EPE"})
                named["EPE"] = "EPE"
            case "NME":
                pair = part.take("keypoint_indices", list[int] | None, None)
                known = pair and len(pair) == 2 and set(pair) <= set(range(len(names)))
                if part.take("norm_mode", str, "") == "keypoint_distance" and pair and known:
                    found.append({"type": "NME", "norm": tuple(names[i] for i in pair)})
                    named["NME"] = "NME"
                else:
                    part.note("norm_mode", "NME is left out; name two keypoints to divide by")
                    part.pass_over("norm_item")
            case _:
                part.note("type", f"{kind} is left out; there is none like it here")
                part.pass_over(*part.values)
    return found, named


def _coco(part: Part) -> Metric:
    part.expect("score_mode", "bbox_keypoint")
    part.expect("use_area", True)
    part.expect("iou_type", "keypoints")
    nms = _NMS.get(part.take("nms_mode", str, "oks_nms"), "hard")
    return {
        "type": "CocoAP",
        "oks_thr": part.take("nms_thr", float, 0.9),
        "vis_thr": part.take("keypoint_score_thr", float, 0.2),
        **_unless(nms=(nms, "hard")),
    }


def _pck(thr: float, norm: str) -> Metric:
    return {"type": "PCK", "thr": thr, "norm": norm}


def _unless(**values: tuple[Any, Any]) -> dict[str, Any]:
    """The values that differ from what is beside them, their default."""
    return {key: value for key, (value, default) in values.items() if value != default}
