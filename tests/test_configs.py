"""Every shipped page: found, loaded and built; and what is said of mistakes on a real page."""

import ast
import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch

from hrpose.config import as_python, dump, load
from hrpose.config.registry import registered
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError

ROOT = Path(__file__).parent.parent / "configs"
FOLDER = ROOT / "animal" / "hrnet"
PAGES = {page.stem: page for page in sorted(ROOT.glob("animal/**/*.py"))}
TABLE = [
    *(f"hrnet_w{w}_horse10_256x256-split{split}" for w in (32, 48) for split in (1, 2, 3)),
    *(f"hrnet_w{w}_{data}" for w in (32, 48) for data in ("macaque_256x192", "atrw_256x256")),
]
every_page = pytest.mark.parametrize("name", PAGES)


@cache
def loaded(name: str) -> dict[str, Any]:
    return load(PAGES[name])


def width(name: str) -> int:
    return loaded(name)["model"]["backbone"]["width"]


def test_how_many_pages_there_are():
    counts = {
        folder.name: len(list(folder.glob("*.py")))
        for folder in FOLDER.iterdir()
        if folder.is_dir()
    }
    table = {"horse10": 6, "macaque": 2, "atrw": 2, "ap10k": 2, "animalpose": 2, "ak": 7}
    assert counts == {**table, "livestock_horse": 5, "superanimal": 2, "synthetic": 1}
    assert len(PAGES) == 29
    assert len(list(ROOT.glob("_base_/**/*.py"))) == 11
    assert len(list(ROOT.rglob("*.py"))) == 40


def test_the_ten_of_the_table_stand_at_the_paths_of_the_model_zoo():
    where = {name: f"{name.split('_')[2]}/{name}.py" for name in TABLE}
    assert len(where) == 10
    assert all((FOLDER / path).is_file() for path in where.values())


@every_page
def test_every_page_builds(name):
    with torch.device("meta"):  # shapes without numbers: seconds instead of minutes
        experiment = prepare(loaded(name))
    millions = sum(weight.numel() for weight in experiment.model.parameters()) / 1e6
    published = {16: 7.5, 32: 28.54, 48: 63.60}
    assert millions == pytest.approx(
        published[width(name)], abs=0.5 if width(name) == 16 else 0.006
    )
    assert len(experiment.meta) == loaded(name)["model"]["head"]["out_channels"]
    assert experiment.model.codec.input_size == tuple(loaded(name)["codec"]["input_size"])


@every_page
def test_every_page_survives_its_dump(name, tmp_path):
    dump(loaded(name), tmp_path / "config.py")
    assert load(tmp_path / "config.py") == loaded(name)


@every_page
def test_overrides_reach_everything_that_depends_on_them(name):
    options = ["codec.input_size=(64,32)", "codec.sigma=3", "model.backbone.width=24"]
    page = load(PAGES[name], options)
    assert page["model"]["codec"] == page["codec"]
    assert page["model"]["codec"]["sigma"] == 3
    assert page["model"]["head"]["in_channels"] == 24
    for pipeline in ("train_pipeline", "test_pipeline"):
        sizes = [step.get("input_size", step.get("size")) for step in page[pipeline]]
        assert {size for size in sizes if size} == {(64, 32)}


@every_page
def test_deltas_are_short_and_inheritance_is_flat(name):
    def bases(path: Path) -> list[Path]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_base_":
                value = ast.literal_eval(node.value)
                return [
                    path.parent / base for base in ([value] if isinstance(value, str) else value)
                ]
        return []

    def depth(path: Path) -> int:
        return max((1 + depth(base) for base in bases(path)), default=0)

    assert depth(PAGES[name]) <= 2
    if depth(PAGES[name]) == 2:
        assert len(PAGES[name].read_text().splitlines()) <= 15


def test_every_page_has_its_row_in_the_readme():
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\)", (FOLDER / "README.md").read_text(), re.M)
    # the ten of the results table have a row there as well
    assert set(rows) == {(name, str(path.relative_to(FOLDER))) for name, path in PAGES.items()}


def test_keypoints_of_the_real_horses_are_those_of_the_files(data_dir):
    meta = loaded("hrnet_w32_livestock_256x256")["keypoints"]
    for split in ("train", "val", "test"):
        file = data_dir / "livestock-horse" / "annotations" / f"{split}_annotations.coco.json"
        assert json.loads(file.read_text())["categories"][1]["keypoints"] == meta["names"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["model.backbone.type=HRNett"], "model.backbone: no 'HRNett' is registered; did you mean"),
        (
            ["codec.sigm=3"],
            "model.codec (MSRAHeatmap): unexpected key 'sigm'; did you mean 'sigma'",
        ),
        (["codec.input_size=256"], "model.codec.input_size: got 256, expected"),
        (["codec.input_size=(250,256)"], "model.codec (MSRAHeatmap): input_size (250, 256)"),
        (["model.head.out_channels=17"], "model (TopDown): "),
        (["runner.epoch=3"], "runner (RunSettings): unexpected key 'epoch'; did you mean 'epochs'"),
        (["runner.save_best=AP"], "runner.save_best: "),
        (["data.train.ann_fil=x"], "data.train (CocoPoseDataset): unexpected key 'ann_fil'; did"),
        (["keypoints.sigmas=[1]"], "keypoints (KeypointMeta): "),
        (["train_pipeline.1.padding=yes"], "train_pipeline.1.padding: got 'yes', expected a float"),
    ],
)
def test_mistakes_on_a_real_page(options, expected):
    page = load(PAGES["hrnet_w32_horse10_256x256-split1"], options)
    with torch.device("meta"), pytest.raises(ConfigError) as caught:
        prepare(page)
    assert any(line.startswith(expected) for line in caught.value.problems), str(caught.value)


def test_mistakes_of_all_parts_come_together():
    options = ["codec.sigm=3", "runner.epoch=3", "metrics.0.thr=x", "optimizer.type=Adan"]
    page = load(PAGES["hrnet_w48_macaque_256x192"], [*options, "data.val.img_rot=x"])
    with torch.device("meta"), pytest.raises(ConfigError) as caught:
        prepare(page)
    starts = {line.split(":")[0].split(" ")[0] for line in caught.value.problems}
    assert {"model.codec", "runner", "metrics.0", "optimizer", "data.val"} <= starts


def test_every_registered_constructor_can_be_checked():
    import hrpose.codecs
    import hrpose.datasets
    import hrpose.metrics
    import hrpose.models  # noqa: F401

    targets = registered()
    assert len(targets) > 20
    for name, target in targets.items():
        make = target.__init__ if inspect.isclass(target) else target
        hints = get_type_hints(make)
        for key, parameter in inspect.signature(target).parameters.items():
            named = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            assert not named or key in hints, f"{name}: no annotation for '{key}'"


def test_a_resolved_page_holds_no_reference():
    assert not [name for name in PAGES if "'$" in as_python(loaded(name))]
