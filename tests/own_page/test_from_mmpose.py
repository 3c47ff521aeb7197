"""Pages of MMPose become pages of hrpose: what is carried over, what is listed, what is refused."""

import sys

import mmpose_pages as theirs
import pytest

from hrpose.cli import main
from hrpose.config import load
from hrpose.config.references import resolve
from hrpose.errors import ConfigError
from hrpose.own_page.from_mmpose.page import page_of
from hrpose.own_page.from_mmpose.source import read_source

KINGDOM = {**theirs.KINGDOM, "evaluator": theirs.EVALUATOR}


@pytest.fixture
def convert(tmp_path):
    """Our page of a text of theirs, references resolved, and what was lost."""

    def of(text, *changes):
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        path = tmp_path / "theirs.py"
        path.write_text(text, encoding="utf-8")
        page, notes = page_of(read_source(path))
        page, unresolved = resolve(page)
        assert unresolved == []
        return page, [note for note in notes if not note.startswith("_base_")]

    return of


def leaves(value, path=""):
    """Every number, text and empty list of a page, by its path."""
    if isinstance(value, dict | list | tuple) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, item in items for k, v in leaves(item, f"{path}.{key}").items()}
    return {path[1:]: list(value) if isinstance(value, list | tuple) else value}


def differing(page, shipped):
    """Paths, outside the metrics, at which two pages differ."""
    ours, pages = leaves(page), leaves(load(f"configs/animal/hrnet/{shipped}.py"))
    paths = {path for path in {*ours, *pages} if ours.get(path) != pages.get(path)}
    return {path for path in paths if not path.startswith("metrics.")}


@pytest.mark.parametrize(
    ("text", "shipped"),
    [
        (theirs.old_page(**theirs.MACAQUE), "macaque/hrnet_w32_macaque_256x192"),
        (
            theirs.old_page(48, **{**theirs.MACAQUE, "batch": 32}),
            "macaque/hrnet_w48_macaque_256x192",
        ),
        (theirs.old_page(**theirs.ATRW), "atrw/hrnet_w32_atrw_256x256"),
        (theirs.old_page(48, **theirs.ATRW), "atrw/hrnet_w48_atrw_256x256"),
        (theirs.old_page(48, **theirs.ANIMALPOSE), "animalpose/hrnet_w48_animalpose_256x256"),
    ],
)
def test_a_page_of_0_x_says_what_the_shipped_one_does(convert, text, shipped):
    page, notes = convert(text)
    assert differing(page, shipped) == {"runner.log_interval"}  # the shipped ones leave it at 50
    assert page["metrics"] == [{"type": "CocoAP", "oks_thr": 0.9, "vis_thr": 0.2}]
    assert len(notes) == 1 and "are what the data sets of MMPose did until 0.25" in notes[0]


def test_a_page_of_2021_has_no_bases_and_other_names(convert):
    changes = [
        ('_base_ = ["../_base_/default_runtime.py", "../_base_/datasets/macaque.py"]', ""),
        (", dataset_info={{_base_.dataset_info}}", ""),
        ("save_best=", "key_indicator="),
        ("TopdownHeatmapSimpleHead", "TopDownSimpleHead"),
    ]
    page, notes = convert(theirs.old_page(**theirs.MACAQUE), *changes)
    assert differing(page, "macaque/hrnet_w32_macaque_256x192") == {"runner.log_interval"}
    assert any("its keypoints are taken from the pages of hrpose" in note for note in notes)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("split", [1, 2, 3])
def test_horse_10_differs_in_the_metrics_that_0_19_changed(convert, split, late):
    changes = [("split1", f"split{split}")]
    changes += [("half = dict(num_joints_half_body=8)\n", "")]
    page, notes = convert(theirs.old_page(48, late, batch=32), *changes)
    shipped = f"horse10/hrnet_w48_horse10_256x256-split{split}"
    assert differing(page, shipped) == {"runner.log_interval", "runner.save_best"}
    assert page["metrics"] == [{"type": "PCK", "thr": 0.2, "norm": "box"}]
    assert page["runner"]["save_best"] == "PCK@0.2"
    assert len(notes) == (0 if late else 1)


def test_a_page_of_1_x_says_what_the_shipped_one_does(convert):
    loader = "batch_size={}, num_workers=4, persistent_workers=True, drop"
    changes = [("max_epochs=210", "max_epochs=300"), (loader.format(32), loader.format(24))]
    page, notes = convert(theirs.new_page(**KINGDOM), *changes)
    shipped = "ak/hrnet_w32_animalkingdom_P1_256x256"
    # MMPose's page gives 512 for its rate although it is made for 8 GPUs of 32 animals
    assert differing(page, shipped) == {"runner.log_interval", "runner.base_batch_size"}
    assert page["metrics"] == [{"type": "PCK", "thr": 0.05, "norm": "box"}, {"type": "AUC"}]
    assert page["runner"]["base_batch_size"] == 512
    assert len(notes) == 1 and "taken from the pages of hrpose" in notes[0]


@pytest.mark.parametrize(
    ("dataset", "best"), [("AP10KDataset", "coco/AP"), ("Horse10Dataset", "auto")]
)
def test_coco_metric_and_width_of_1_x(convert, dataset, best):
    evaluator = 'dict(type="CocoMetric", nms_mode="soft_oks_nms", ann_file=data_root + "x.json")'
    keypoints = 17 if dataset == "AP10KDataset" else 22
    facts = {**KINGDOM, "dataset": dataset, "best": best, "evaluator": evaluator}
    page, _ = convert(theirs.new_page(48, **{**facts, "keypoints": keypoints}))
    assert page["metrics"] == [{"type": "CocoAP", "oks_thr": 0.9, "vis_thr": 0.2, "nms": "soft"}]
    assert page["runner"]["save_best"] == "AP"
    assert page["model"]["backbone"] == {"type": "HRNet", "width": 48}
    assert page["pretrained"].endswith("hrnet_w48-8ef0771d.pth")
    assert len(page["keypoints"]["names"]) == keypoints
    # the files of AP-10K have other names than MMPose's page
    assert page["keypoints"].get("aliases", [""])[0] == ("left_eye" if keypoints == 17 else "")


OLD, NEW = theirs.old_page(late=True, **theirs.MACAQUE), theirs.new_page(**KINGDOM)
LR = """lr_config = dict(policy="step", warmup="linear", warmup_iters=500, warmup_ratio=0.001,
                 step=[170, 200])"""
TURN = 'dict(type="RandomBBoxTransform")'
MILESTONES = (
    'dict(type="MultiStepLR", begin=0, end=210, milestones=[170, 200], gamma=0.1, by_epoch=True)'
)
NME = 'dict(type="NME", norm_mode="keypoint_distance", keypoint_indices=[1, 2])'


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        (
            OLD,
            [
                ('post_process="default"', 'post_process="unbiased"'),
                ("sigma=2", "sigma=3, unbiased_encoding=True"),
                ("modulate_kernel=11", "modulate_kernel=17"),
            ],
            {"codec.decoding": "dark", "codec.blur_kernel": 17, "codec.sigma": 3},
        ),
        (
            OLD,
            [('post_process="default"', 'post_process="unbiased"')],
            {"codec.decoding": "dark", "codec.unbiased": False},
        ),
        (OLD, [('post_process="default"', "post_process=None")], {"codec.decoding": "none"}),
        (
            OLD,
            [
                ('TopDownAffine"', 'TopDownAffine", use_udp=True'),
                ("sigma=2", 'sigma=2, encoding="UDP"'),
                ("shift_heatmap=True, modulate", "shift_heatmap=False, use_udp=True, modulate"),
            ],
            {"codec.type": "UDPHeatmap", "model.shift_heatmap": False, "test_pipeline.2.udp": True},
        ),
        (
            NEW,
            [("sigma=2)", "sigma=2, unbiased=True)")],
            {"codec.decoding": "dark", "codec.unbiased": None},
        ),
        (
            NEW,
            [
                ('"MSRAHeatmap"', '"UDPHeatmap"'),
                ("shift_heatmap=True", "shift_heatmap=False"),
                ('"TopdownAffine",', '"TopdownAffine", use_udp=True,'),
            ],
            {"codec.type": "UDPHeatmap", "train_pipeline.6.udp": True, "codec.decoding": None},
        ),
        (
            NEW,
            [('type="GenerateTarget"', 'type="TopdownGenerateTarget", target_type="heatmap"')],
            {"codec.type": "MSRAHeatmap", "codec.decoding": "by-axis"},
        ),
        (
            OLD,
            [("flip_test=True, ", "flip_test=False, ")],
            {"model.flip_test": False, "model.shift_heatmap": None},
        ),
        (
            OLD,
            [("flip_test=True, ", ""), (" shift_heatmap=True,", "")],
            {"model.flip_test": True, "model.shift_heatmap": False},
        ),
        (
            OLD,
            [
                ("flip_prob=0.5", "flip_prob=0.25"),
                ("num_joints_half_body=8", "num_joints_half_body=5"),
                (
                    "rot_factor=40, scale_factor=0.5",
                    "rot_factor=30, scale_factor=0.35, rot_prob=0.5",
                ),
            ],
            {
                "train_pipeline.3.prob": 0.25,
                "train_pipeline.4.min_visible": 6,
                "train_pipeline.5.degrees": 30,
                "train_pipeline.5.scale": 0.35,
                "train_pipeline.5.rotate_prob": 0.5,
            },
        ),
        (
            NEW,
            [(TURN, TURN[:-1] + ", shift_factor=0.1, scale_factor=[0.6, 1.4], rotate_factor=45)")],
            {
                "train_pipeline.4.shift": 0.125,
                "train_pipeline.5.scale": 0.4,
                "train_pipeline.5.degrees": 45,
                "train_pipeline.5.truncated": True,
            },
        ),
        (
            NEW,
            [(TURN, TURN[:-1] + ", shift_prob=0)")],
            {"train_pipeline.4.type": "RandomScaleRotate"},
        ),
        (
            OLD,
            [(LR, 'lr_config = dict(policy="CosineAnnealing", min_lr=5e-6)')],
            {
                "schedule.type": "WarmupCosine",
                "schedule.final_ratio": 0.01,
                "schedule.warmup_iters": 0,
            },
        ),
        (
            NEW,
            [(MILESTONES, 'dict(type="CosineAnnealingLR", T_max=210, eta_min=5e-5)')],
            {
                "schedule.type": "WarmupCosine",
                "schedule.final_ratio": 0.1,
                "schedule.warmup_iters": 500,
            },
        ),
        (
            OLD,
            [
                ("grad_clip=None", "grad_clip=dict(max_norm=1, norm_type=2)"),
                ('"Adam", lr=5e-4', '"SGD", lr=0.1, weight_decay=1e-4'),
            ],
            {"runner.clip_grad": 1, "optimizer.momentum": 0.0, "optimizer.weight_decay": 1e-4},
        ),
        (
            NEW,
            [("dict(optimizer=", 'dict(type="AmpOptimWrapper", accumulative_counts=4, optimizer=')],
            {"runner.precision": "amp", "runner.accumulate": 4},
        ),
        (
            OLD,
            [("total_epochs = 210", "runner = dict(max_epochs=90)\nseed = 3")],
            {"runner.epochs": 90, "runner.seed": 3},
        ),
        (
            OLD,
            [("backbone=dict(type", 'backbone=dict(norm_cfg=dict(type="SyncBN"), type')],
            {"runner.batch_norm": "sync"},
        ),
        (
            OLD,
            [
                (
                    'use_gt_bbox=True, det_bbox_thr=0.0, bbox_file=""',
                    "use_gt_bbox=False, det_bbox_thr=0.3, bbox_file='data/macaque/boxes.json'",
                )
            ],
            {
                "data.test.box_file": "boxes.json",
                "data.test.box_score_thr": 0.3,
                "data.train.box_file": None,
            },
        ),
        (
            OLD,
            [
                ("metric='mAP'", "metric=['PCK', 'AUC', 'EPE']"),
                ("save_best='AP'", "save_best='EPE'"),
            ],
            {"metrics.1.type": "AUC", "metrics.2.type": "EPE", "runner.save_best": "EPE"},
        ),
        (
            NEW,
            [('dict(type="AUC")', NME)],
            {"metrics.1.norm.0": "Eye_Left", "metrics.1.norm.1": "Eye_Right"},
        ),
        (
            OLD,
            [
                ("num_deconv_layers=0", "num_deconv_layers=2"),
                ("final_conv_kernel=1", "final_conv_kernel=3"),
            ],
            {
                "model.head.deconv_channels.1": 256,
                "model.head.deconv_channels.2": None,
                "model.head.final_kernel": 3,
            },
        ),
        (NEW, [("123.675", "127.5")], {"model.mean.0": 0.5, "model.std.2": 0.225}),
        (
            OLD,
            [('data_root = "data/macaque"', 'data_root = "/data/monkeys"')],
            {"data.root": "/data/monkeys", "data.train.ann_file": "annotations/macaque_train.json"},
        ),
    ],
)
def test_what_is_carried_over(convert, text, changes, expected):
    found = leaves(convert(text, *changes)[0])
    assert {path: found.get(path) for path in expected} == expected


@pytest.mark.parametrize(
    ("text", "changes", "note"),
    [
        (
            OLD,
            [("total_epochs = 210", "total_epochs = 210\nmixup = 0.3")],
            "mixup (line 9): 0.3 has no",
        ),
        (
            OLD,
            [("use_target_weight=True", "use_target_weight=True, loss_weight=2.0")],
            "model.keypoint_head.loss_keypoint.loss_weight (line 25): 2.0 has no place here",
        ),
        (
            OLD,
            [('dict(type="ToTensor")', 'dict(type="PhotometricDistortion")')],
            "the step PhotometricDistortion is left out",
        ),
        (OLD, [(LR, 'lr_config = dict(policy="poly", power=2)')], "'poly' is not known here"),
        (
            OLD,
            [("AnimalMacaqueDataset", "TopDownHalpeDataset")],
            "is taken for a COCO keypoint file",
        ),
        (
            NEW,
            [("auto_scale_lr", 'custom_hooks = [dict(type="PipelineSwitchHook")]\nauto_scale_lr')],
            "PipelineSwitchHook is left out",
        ),
        (
            NEW,
            [(TURN, TURN[:-1] + ", scale_factor=(0.75, 1.5))")],
            "0.75 to 1.5 is taken as 1 -+ 0.375",
        ),
        (NEW, [("bgr_to_rgb=True", "bgr_to_rgb=False")], "there they stayed BGR"),
        (NEW, [("save_best='PCK'", "save_best='coco/AP'")], "'coco/AP' is not measured here"),
    ],
)
def test_what_is_lost_is_listed(convert, text, changes, note):
    notes = convert(text, *changes)[1]
    assert [line for line in notes if note in line], notes


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        (
            OLD,
            [('type="HRNet"', 'type="ResNet"')],
            "model.backbone.type (line 25): ResNet cannot be",
        ),
        (
            OLD,
            [('type="TopDown"', 'type="AssociativeEmbedding"')],
            "AssociativeEmbedding cannot be",
        ),
        (
            OLD,
            [('"TopdownHeatmapSimpleHead"', '"DeepposeRegressionHead"')],
            "DeepposeRegressionHead",
        ),
        (NEW, [('"HeatmapHead"', '"SimCCHead"')], "model.head.type (line 27): SimCCHead cannot be"),
        (NEW, [('type="MSRAHeatmap"', 'type="SimCCLabel"')], "SimCCLabel cannot be carried over"),
        (OLD, [("sigma=2", 'sigma=2, encoding="Megvii"')], "MEGVII cannot be carried over"),
        (OLD, [("sigma=2", 'sigma=2, encoding="UDP"')], "False does not go with targets of UDP"),
        (
            NEW,
            [('"TopdownAffine",', '"TopdownAffine", use_udp=True,')],
            "do not go with targets of MSRA",
        ),
        (
            OLD,
            [('"JointsMSELoss"', '"JointsOHKMMSELoss"')],
            "JointsOHKMMSELoss cannot be carried over",
        ),
        (
            OLD,
            [("num_blocks=[4] * 3", "num_blocks=[4, 4, 3]")],
            "stage3.num_blocks (line 25): got (4, 4, 3)",
        ),
        (
            OLD,
            [("num_output_channels=17", "num_output_channels=16")],
            "got 16, but the data set has 17",
        ),
        (OLD, [("AnimalMacaqueDataset", "TopDownMpiiDataset")], "MPII's own files, cannot be"),
        (NEW, [("AnimalKingdomDataset", "MyDataset")], "no keypoints are known of MyDataset"),
        (
            OLD,
            [("total_epochs = 210", 'total_epochs = "all"')],
            "total_epochs (line 8): got 'all', expected an int",
        ),
        (OLD, [('type="Adam"', 'type="Lion"')], "Lion is not known here"),
        (
            OLD,
            [
                ("data = dict(", "datas = dict("),
                ('data["test"]', 'datas["test"]'),
                ('data["val"]', 'datas["val"]'),
            ],
            "is no page of MMPose for training",
        ),
        (
            'keypoints = dict(type="KeypointMeta")\ndata = dict()\nmetrics = []',
            [],
            "keypoints is a name of hrpose's own pages",
        ),
    ],
)
def test_another_network_or_page_is_refused_by_name(convert, text, changes, message):
    with pytest.raises(ConfigError) as error:
        convert(text, *changes)
    assert message in str(error.value)
    assert str(error.value).count("\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("def f():\n    return 1", "line 2: a function is not data (in `def f():`)"),
        ("for i in range(3):\n    pass", "line 2: a loop is not data"),
        ("if True:\n    a = 1", "line 2: a conditional is not data"),
        (
            "with read_base():\n    pass",
            "`with`, as in mmengine's `with read_base():`, is not data",
        ),
        ("import os\na = os.getcwd()", "line 3: 'os' is imported, and pages are read, not run"),
        ("a = [i for i in (1, 2)]", "line 2: a loop is not data"),
        ("a = 1 if 2 else 3", "line 2: a conditional is not data"),
        ("a = open('/etc/passwd')", "line 2: a call of 'open' is not data"),
        ("a = dict(x=1)\na.clear()", "line 3: a call of 'a.clear' is not data"),
        ("a = ''.__class__", "line 2: not data"),
        ("a = b", "line 2: 'b' has no value before this line"),
        ("a = {{_base_.codec}}", "line 2: there is no 'codec' in it"),
        ("a = dict(x=1)['y']", "line 2: KeyError: 'y'"),
        ("a = [0] * 10**9", "line 2: makes more than 100,000 items"),
        ("a = 9 ** 9 ** 9", "line 2: a power above 64"),
        ("a = list(range(10**8))", "line 2: makes more than 100,000 items"),
        ("a = 'x' + 1", "line 2: TypeError: "),
        ("a = (", "line 2: '(' was never closed"),
        ("a = '{{ fileName }}'", "line 2: '{{ fileName }}' is not known"),
        ("_base_ = 'mine.py'", "_base_ 'mine.py' is not at "),
        ("_base_ = 'page.py'", "_base_ leads back to the page itself"),
    ],
)
def test_a_line_that_is_not_data_is_named(tmp_path, line, message):
    path = tmp_path / "page.py"
    path.write_text(f'"""A page."""\n{line}\n')
    with pytest.raises(ConfigError) as error:
        read_source(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_lines_that_are_data(tmp_path):
    (tmp_path / "base.py").write_text(
        "codec = dict(sigma=2, size=(1, 2))\nhook = dict(a=1)\nn = [1]\n"
    )
    path = tmp_path / "page.py"
    path.write_text(
        "import os  # not used\n"
        "_base_ = ['./base.py']\n"
        "a, b = 2, [1, 2][-1]\n"
        "c: int = (a + b) // 3 * 4 - 2 ** 2\n"
        "c += 1\n"
        "d = dict(**{'x': a}, y=f'{a}/{b}', z=[*(1,), 2] + [3] * 2)\n"
        "d['x'] = {{_base_.codec.sigma}}\n"
        "d.update(w=_base_.n[0], v='{{ fileBasenameNoExtension }}')\n"
        "e = d['z'][1:3]\n"
        "hook = dict(_delete_=True, b=-1)\n"
        "codec = dict(sigma=3)\n"
        "f = not True\n"
        "del f\n"
    )
    values = read_source(path).values
    assert values == {
        "codec": {"sigma": 3, "size": (1, 2)}, "hook": {"b": -1}, "n": [1], "a": 2, "b": 2, "c": 1,
        "d": {"x": 2, "y": "2/2", "z": [1, 2, 3, 3], "w": 1, "v": "page"}, "e": [2, 3],
    }  # fmt: skip


def test_keypoints_come_from_the_base_page_beside(tmp_path):
    configs = tmp_path / "configs"
    page = configs / "animal" / "mine" / "page.py"
    page.parent.mkdir(parents=True)
    (configs / "_base_" / "datasets").mkdir(parents=True)
    (configs / "_base_" / "datasets" / "ak.py").write_text(
        "dataset_info = dict(dataset_name='small', keypoint_info={\n"
        "    1: dict(name='left ear', id=1, type='upper', swap='right ear'),\n"
        "    0: dict(name='nose', id=0, type='upper', swap=''),\n"
        "    2: dict(name='right ear', id=2, type='lower', swap='left ear')},\n"
        "    skeleton_info={0: dict(link=('nose', 'left ear'), id=0)},\n"
        "    joint_weights=[1.] * 3, sigmas=[0.1, 0.2, 0.3])\n"
    )
    page.write_text(NEW.replace("out_channels=23", "out_channels=3"))
    keypoints = page_of(read_source(page))[0]["keypoints"]
    assert keypoints == {
        "type": "KeypointMeta", "dataset": "small", "names": ["nose", "left ear", "right ear"],
        "flip_pairs": [("left ear", "right ear")], "upper_body": ["nose", "left ear"],
        "lower_body": ["right ear"], "sigmas": [0.1, 0.2, 0.3], "skeleton": [("nose", "left ear")],
    }  # fmt: skip


@pytest.mark.parametrize("stride", [41, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("text", [OLD, NEW])
def test_no_value_of_a_page_makes_more_than_an_error(tmp_path, text, stride):
    """Each value in turn becomes something odd: a page comes out, or one sentence."""
    path = tmp_path / "page.py"
    path.write_text(text)

    def spots(value):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            yield value, key
            if isinstance(item, dict | list):
                yield from spots(item)

    source = read_source(path)
    count = 0
    for holder, key in list(spots(source.values))[::stride]:
        good = holder[key]
        for odd in (None, -1, 0.5, "x", [], {}, ["x"], {"type": "x"}, float("nan")):
            holder[key] = odd
            try:
                page_of(source)
            except ConfigError as error:
                assert error.page == str(path)
            count += 1
        holder[key] = good
    assert count > 1000 / stride


@pytest.fixture
def command(monkeypatch, capsys):
    """Do `hrpose convert-config ...`: its status, output and errors."""

    def do(*words):
        monkeypatch.setattr(sys, "argv", ["hrpose", "convert-config", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    return do


def test_the_command_prints_a_page_that_loads(tmp_path, command):
    path = tmp_path / "theirs.py"
    path.write_text(NEW)
    status, out, err = command(path)
    assert status == 0 and "could not be carried over as it stands there:\n  - _base_" in err
    ours = tmp_path / "ours.py"
    ours.write_text(out)
    assert load(ours)["model"]["head"]["out_channels"] == 23
    assert out.startswith("# Made of theirs.py, a page of MMPose 1.x, by `hrpose convert-config`")
    assert "\n# - _base_ '../../_base_/default_runtime.py' is not there: " in out


def test_the_command_says_how_to_point_at_the_data(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").write_text(OLD)
    status, out, err = command("theirs.py", "--out", "mine/ours.py")
    assert (status, err) == (0, "")
    assert (
        "there is no data/macaque/annotations/macaque_train.json here: set `root` in `data`" in out
    )
    assert "wrote mine/ours.py, made of theirs.py, a page of MMPose 0.x; next: hrpose check" in out
    status, _, err = command("theirs.py", "--out", "mine/ours.py")
    assert status == 2 and "is there already; give --overwrite" in err


def test_with_the_data_there_the_page_is_checked_as_training_does(herd, command, monkeypatch):
    monkeypatch.chdir(herd.folder)
    herd.write("train"), herd.write("val")
    info = "dict(dataset_name='cows', keypoint_info={" + ", ".join(
        f"{i}: dict(name={name!r}, type='upper', swap={swap!r})"
        for i, (name, swap) in enumerate(
            [("nose", ""), ("left_ear", "right_ear"), ("right_ear", "left_ear"), ("tail", "")]
        )
    ) + "}, skeleton_info={}, sigmas=[0.05] * 4)"  # fmt: skip
    facts = {**theirs.HORSE, "keypoints": 4, "batch": 2, "train": "train.json", "test": "val.json",
             "images": "images", "test_images": "images"}  # fmt: skip
    text = theirs.old_page(late=True, **facts).replace("{{_base_.dataset_info}}", info)
    text = text.replace('"data/horse10"', '"."').replace(
        "half = dict(num_joints_half_body=8)\n", ""
    )
    (herd.folder / "theirs.py").write_text(text)
    status, out, err = command("theirs.py", "--out", "ours.py")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("wrote ours.py") and "training will refuse" not in out
    (herd.folder / "images" / "val3.png").write_bytes(b"no picture")
    status, out, _ = command("theirs.py", "--out", "ours.py", "--overwrite")
    assert status == 0 and "training will refuse: " in out and "val3.png" in out


def test_a_page_that_does_not_build_is_refused_in_our_words(tmp_path, command):
    path = tmp_path / "theirs.py"
    path.write_text(OLD.replace("image_size=[192, 256]", "image_size=[200, 256]"))
    status, _, err = command(path)
    assert status == 2 and "as a page of hrpose: " in err and "200" in err
    assert not (tmp_path / "ours.py").exists()
