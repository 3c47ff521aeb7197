_base_ = [
    "../../../_base_/keypoints/horse10.py",
    "../../../_base_/models/hrnet_w32.py",
    "../../../_base_/schedules/adam_210e.py",
]

codec = dict(type="MSRAHeatmap", input_size=(256, 256), heatmap_size=(64, 64), sigma=2)  # w, h
model = dict(
    codec="$codec",
    flip_test=True,
    shift_heatmap=True,
)

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="RandomShift", prob=0.3, shift=0.2),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomScaleRotate", scale=0.5, degrees=40, rotate_prob=0.6),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="Warp", size="$codec.input_size"),
]

_test = dict(type="CocoPoseDataset", ann_file="annotations/horse10-test-split1.json", img_root="")
data = dict(
    root="data/horse10",
    batch_size=64,
    val_batch_size=32,
    workers=4,
    train=dict(
        type="CocoPoseDataset", ann_file="annotations/horse10-train-split1.json", img_root=""
    ),
    val=_test,
    test=_test,
)

_pair = dict(norm=("Nose", "Eye"), missing="mmpose-2021")
_strict = dict(norm=("Nose", "Eye"), variant="strict")
_horse = dict(norm="horse10", variant="benchmark")
metrics = [  # docs/evaluation.md says what each means; the table has the first two
    dict(type="PCK", thr=0.3, **_pair),
    dict(type="NME", **_pair),
    dict(type="PCK", thr=0.3, **_pair, variant="horse10-2021"),
    dict(type="NME", **_pair, variant="horse10-2021"),
    dict(type="PCK", thr=0.2, norm="box", variant="mmpose-0.19+"),
    dict(type="PCK", thr=0.3, **_strict),
    dict(type="NME", **_strict),
    dict(type="PCK", thr=0.3, **_horse),
    dict(type="NME", **_horse),
]
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="PCK@0.3")
