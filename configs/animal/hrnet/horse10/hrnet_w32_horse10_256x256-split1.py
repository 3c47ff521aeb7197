_base_ = [
    "../../../_base_/keypoints/horse10.py",
    "../../../_base_/models/hrnet_w32.py",
    "../../../_base_/schedules/adam_210e.py",
    "../../../_base_/runtime.py",
]

codec = dict(type="MSRAHeatmap", input_size=(256, 256), heatmap_size=(64, 64), sigma=2)  # w, h
model = dict(
    codec="$codec",
    head=dict(out_channels=22),
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

metrics = [
    dict(type="PCK", thr=0.3, norm=("Nose", "Eye")),
    dict(type="NME", norm=("Nose", "Eye")),
]
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="PCK@0.3")
