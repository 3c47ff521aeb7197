"""The pages of published experiments say what was published (golden/recipes.json and
recipes_more.json).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import hrpose.metrics  # noqa: F401 - makes them known to `build`
from hrpose.config import load
from hrpose.config.registry import build
from hrpose.engine.settings import RunSettings

FOLDER = Path(__file__).parent.parent / "configs" / "animal" / "hrnet"
PATHS = {
    page.stem: page
    for data in ("horse10", "macaque", "atrw", "livestock_horse", "ap10k", "animalpose", "ak")
    for page in sorted((FOLDER / data).glob("*.py"))
}
MORE = [name for name in PATHS if PATHS[name].parent.name in ("ap10k", "animalpose", "ak")]
TABLE = [name for name in PATHS if "livestock" not in name and name not in MORE]
ten_pages = pytest.mark.parametrize("name", TABLE)
more_pages = pytest.mark.parametrize("name", MORE)


@cache
def loaded(name: str) -> dict[str, Any]:
    return load(PATHS[name])


def width(name: str) -> int:
    return int(name.split("_")[1][1:])


@pytest.fixture(scope="module")
def recipes(golden) -> dict[str, Any]:
    return json.loads((golden / "recipes.json").read_text())


@pytest.fixture(scope="module")
def more(golden) -> dict[str, Any]:
    return json.loads((golden / "recipes_more.json").read_text())


def test_there_are_ten_and_eleven_more(more):
    assert len(TABLE) == 10
    assert set(MORE) == set(more["published"]) and len(MORE) == 11


@ten_pages
def test_hyper_parameters_of_the_ten(name, recipes):
    page, common = loaded(name), recipes["common"]
    size = "w48_atrw" if name == "hrnet_w48_atrw_256x256" else f"w{width(name)}"
    per_gpu = common["batch_per_gpu_train"][size]
    plan = common["schedule"]
    assert page["optimizer"] == {"type": "Adam", "lr": common["optimizer"]["lr"]}
    assert page["schedule"] == {
        "type": "WarmupStep",
        "warmup_iters": plan["warmup_iters"],
        "warmup_ratio": plan["warmup_ratio"],
        "steps": tuple(plan["step_epochs"]),
        "gamma": plan["gamma"],
    }
    assert page["data"]["batch_size"] == per_gpu
    assert page["data"]["val_batch_size"] == common["batch_val"]
    assert page["runner"]["base_batch_size"] == per_gpu * common["gpus_assumed"]
    assert page["runner"]["epochs"] == plan["epochs"]
    assert page["runner"]["val_interval"] == common["validation_every_epochs"]
    assert page["runner"]["save_interval"] == common["checkpoint_every_epochs"]
    assert RunSettings(**page["runner"]).clip_grad is common["optimizer"]["grad_clip"]
    assert page["pretrained"] == common["pretrained"][f"w{width(name)}"]
    assert page["model"]["backbone"] == {"type": "HRNet", "width": width(name)}
    assert page["model"]["flip_test"] is common["test"]["flip_test"]
    assert page["model"]["shift_heatmap"] is common["test"]["shift_heatmap"]
    assert set(page["model"]["head"]) == {"type", "in_channels", "out_channels"}


@ten_pages
def test_data_and_keypoints_of_the_ten(name, recipes):
    page = loaded(name)
    dataset = name.split("_")[2]
    facts = recipes["datasets"][dataset]
    names = facts["keypoints"]
    meta = page["keypoints"]
    assert meta["dataset"] == dataset
    assert meta["names"] == names
    assert [[names.index(a), names.index(b)] for a, b in meta["flip_pairs"]] == facts["flip_pairs"]
    assert [names.index(part) for part in meta["upper_body"]] == facts["upper_body"]
    assert [names.index(part) for part in meta["lower_body"]] == facts["lower_body"]
    assert meta.get("sigmas") == facts["sigmas"]
    assert [list(limb) for limb in meta["skeleton"]] == facts["skeleton"]
    codec = {"input_size": tuple(facts["input_size"]), "heatmap_size": tuple(facts["heatmap_size"])}
    assert page["codec"] == {"type": "MSRAHeatmap", **codec, "sigma": 2}
    assert page["model"]["head"]["out_channels"] == facts["num_keypoints"]
    crop = {"type": "CropBox", "input_size": codec["input_size"], "padding": facts["box_padding"]}
    warp = {"type": "Warp", "size": codec["input_size"]}
    assert page["test_pipeline"] == [{"type": "LoadImage"}, crop, warp]
    assert page["train_pipeline"] == [
        {"type": "LoadImage"},
        crop,
        {"type": "RandomShift", "prob": 0.3, "shift": 0.2},
        {"type": "RandomFlip", "prob": 0.5},
        *([{"type": "RandomHalfBody", "prob": 0.3}] if facts["half_body"] else []),
        {"type": "RandomScaleRotate", "scale": 0.5, "degrees": 40, "rotate_prob": 0.6},
        warp,
    ]
    clean_up = "none" if facts["box_clean_up"] == "none" else "mmpose"
    for split in ("train", "val", "test"):
        assert page["data"][split].get("box_clean_up", "none") == clean_up
    if facts["metric"] == "COCO keypoint AP":
        nms = {key: facts["nms"][key] for key in ("oks_thr", "vis_thr")}
        assert page["metrics"][0] == {"type": "CocoAP", **nms}
    else:
        pair = {"norm": ("Nose", "Eye"), "missing": "mmpose-2021"}
        assert page["metrics"][:2] == [{"type": "PCK", "thr": 0.3, **pair}, {"type": "NME", **pair}]
        names = [name for cfg in page["metrics"][2:] for name in build(cfg).names]
        assert names == [
            "horse10-2021/PCK@0.3", "horse10-2021/NME", "mmpose-0.19+/PCK@0.2",
            "strict/PCK@0.3", "strict/NME", "benchmark/PCK@0.3", "benchmark/NME",
        ]  # fmt: skip


def files(page: dict[str, Any]) -> list[str]:
    data = page["data"]
    return [f"{data[split]['ann_file']} {data[split]['img_root']}" for split in ("train", "val")]


@ten_pages
def test_files_lie_where_mmpose_documents_them(name):
    page = loaded(name)
    dataset, split = name.split("_")[2], name[-1]
    expected = {
        "horse10": [
            f"annotations/horse10-train-split{split}.json ",
            f"annotations/horse10-test-split{split}.json ",
        ],
        "macaque": [
            "annotations/macaque_train.json images",
            "annotations/macaque_test.json images",
        ],
        "atrw": [
            "annotations/keypoint_train.json images/train",
            "annotations/keypoint_val.json images/val",
        ],
    }
    assert files(page) == expected[dataset]
    assert page["data"]["root"] == f"data/{dataset}"
    assert page["data"]["test"] == page["data"]["val"]


def test_the_horse_page_for_a_cpu_is_the_experiment_that_it_repeats():
    page = loaded("hrnet_w32_livestock_128x96")
    assert page["codec"] == {
        "type": "MSRAHeatmap", "input_size": (128, 96), "heatmap_size": (32, 24), "sigma": 1
    }  # fmt: skip
    assert page["pretrained"] is None
    assert page["optimizer"] == {"type": "Adam", "lr": 5e-4}
    assert (page["data"]["batch_size"], page["runner"]["epochs"]) == (16, 20)
    assert (page["schedule"]["warmup_iters"], page["schedule"]["steps"]) == (100, (16, 19))
    assert page["train_pipeline"][1:] == [
        {"type": "CropBox", "input_size": (128, 96), "padding": 1.25},
        *loaded("hrnet_w32_macaque_256x192")["train_pipeline"][2:-1],
        {"type": "Warp", "size": (128, 96)},
    ]


@more_pages
def test_keypoints_of_the_eleven(name, more):
    meta, facts = loaded(name)["keypoints"], more["metas"][name.split("_")[2]]
    names = facts["keypoints"]
    assert meta["dataset"] == name.split("_")[2]
    assert meta["names"] == names
    both_ways = {a: b for pair in meta["flip_pairs"] for a, b in (pair, pair[::-1])}
    assert both_ways == facts["swap"]
    for half in ("upper", "lower"):
        assert meta[f"{half}_body"] == [part for part in names if facts["type"][part] == half]
    assert meta["sigmas"] == facts["sigmas"]
    assert [list(limb) for limb in meta["skeleton"]] == facts["skeleton"]


@more_pages
def test_hyper_parameters_of_the_eleven(name, more, recipes):
    page, common, dataset = loaded(name), recipes["common"], name.split("_")[2]
    facts, plan = more["recipes"][dataset], common["schedule"]
    kingdom = dataset == "animalkingdom"
    optimizer = facts.get("optimizer", {"type": "Adam", "lr": common["optimizer"]["lr"]})
    assert page["optimizer"] == optimizer
    assert page["schedule"] == {
        "type": "WarmupStep",
        "warmup_iters": facts.get("warmup_iters", plan["warmup_iters"]),
        "warmup_ratio": plan["warmup_ratio"],
        "steps": tuple(facts.get("steps", plan["step_epochs"])),
        "gamma": plan["gamma"],
    }
    per_gpu = facts["batch_per_gpu"] if kingdom else facts["batch_per_gpu"][f"w{width(name)}"]
    assert page["data"]["batch_size"] == per_gpu
    assert page["data"]["val_batch_size"] == facts.get("val_batch", facts["batch_val"])
    assert page["runner"]["base_batch_size"] == per_gpu * facts["gpus_assumed"]
    assert page["runner"]["epochs"] == facts.get("epochs", plan["epochs"])
    assert page["pretrained"] == common["pretrained"][f"w{width(name)}"]
    assert page["model"]["backbone"] == {"type": "HRNet", "width": width(name)}
    assert page["model"]["flip_test"] is facts["flip_test"]
    assert page["model"]["shift_heatmap"] is facts["shift_heatmap"]
    size = tuple(facts["input_size"])
    decoding = {"decoding": "by-axis"} if kingdom else {}
    assert page["codec"] == {
        "type": "MSRAHeatmap",
        "input_size": size,
        "heatmap_size": tuple(facts["heatmap_size"]),
        "sigma": facts["sigma"],
        **decoding,
    }
    crop = {"type": "CropBox", "input_size": size, "padding": facts["padding"]}
    warp = {"type": "Warp", "size": size}
    assert page["test_pipeline"] == [{"type": "LoadImage"}, crop, warp]
    moves = [
        {"type": "RandomShift", "prob": 0.3, "shift": 0.2},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "RandomHalfBody", "prob": 0.3},
        {"type": "RandomScaleRotate", "scale": 0.5, "degrees": 40, "rotate_prob": 0.6},
    ]
    if kingdom:
        shift, flip, half, turn = moves
        half |= {"upper_prob": 0.7, "min_upper": 2}
        moves = [flip, half, {**shift, "truncated": True}]
        moves.append({**turn, "degrees": 80, "truncated": True})
    assert page["train_pipeline"] == [{"type": "LoadImage"}, crop, *moves, warp]
    clean_up = "mmpose-1.x" if kingdom else "mmpose"
    assert {page["data"][split]["box_clean_up"] for split in ("train", "val", "test")} == {clean_up}
    if kingdom:
        assert page["metrics"] == [
            {"type": "PCK", "thr": 0.05, "norm": "box"}, {"type": "AUC", "norm": 30, "steps": 20}
        ]  # fmt: skip
    else:
        nms = {key: more["recipes"]["ap10k"][key] for key in ("oks_thr", "vis_thr")}
        assert page["metrics"][0] == {"type": "CocoAP", **nms}


@more_pages
def test_files_of_the_eleven_lie_where_mmpose_documents_them(name):
    data = loaded(name)["data"]
    folder = PATHS[name].parent.name
    assert data["root"] == f"data/{folder}"
    part = name.removeprefix("hrnet_w32_animalkingdom_").removesuffix("_256x256")
    expected = {
        "ap10k": [f"annotations/ap10k-{s}-split1.json data" for s in ("train", "val", "test")],
        "animalpose": [f"annotations/animalpose_{s}.json " for s in ("train", "val", "val")],
        "ak": [f"annotations/ak_{part}/{s}.json images" for s in ("train", "test", "test")],
    }
    splits = [data[split] for split in ("train", "val", "test")]
    assert [f"{split['ann_file']} {split['img_root']}" for split in splits] == expected[folder]


@pytest.mark.parametrize("name", ["superanimal_quadruped", "superanimal_topviewmouse"])
def test_superanimal_s_pages_are_deeplabcut_s(golden, name):
    facts = json.loads((golden / "deeplabcut/models.json").read_text())["models"][name]
    path = FOLDER / "superanimal" / f"{name}.py"
    page = load(path)
    assert page["keypoints"]["names"] == facts["bodyparts"]
    assert [list(pair) for pair in page["keypoints"]["flip_pairs"]] == facts["flip_pairs"]
    assert page["keypoints"]["dataset"] == name
    assert page["codec"]["input_size"] == tuple(facts["input"]["crop_width_height"])
    assert page["codec"]["heatmap_size"] == tuple(facts["input"]["heatmap_size"])
    assert page["model"]["flip_test"] is facts["input"]["flip_test"]
    assert [step["type"] for step in page["test_pipeline"]] == ["LoadImage", "WholePixelCrop"]
    assert facts["address"] in path.read_text()
    assert "research use only" in path.read_text().replace("\n# ", " ")
