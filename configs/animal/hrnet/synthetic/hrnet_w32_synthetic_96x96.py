# Drawn animals with Horse-10's keypoints: needs no data and learns in minutes on a CPU.
# PCK and NME are in units of the trunk, shoulder to hip, as PCK was first defined: 0.45 of the
# longer side of the box (median). Nose to eye, Horse-10's own unit, is a few px here.
_base_ = [
    "../../../_base_/keypoints/horse10.py",
    "../../../_base_/models/hrnet_w32.py",
    "../../../_base_/schedules/adam_210e.py",
]

codec = dict(type="MSRAHeatmap", input_size=(96, 96), heatmap_size=(24, 24), sigma=1)  # w, h
model = dict(
    codec="$codec",
    flip_test=True,
    shift_heatmap=True,
)
pretrained = None

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomScaleRotate", scale=0.1, degrees=10, rotate_prob=0.5),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="Warp", size="$codec.input_size"),
]

data = dict(
    batch_size=8,
    val_batch_size=32,
    workers=0,  # on a CPU, drawing in the same process leaves the cores to torch
    train=dict(type="SyntheticAnimals", length=800, seed=1, fresh=True),  # new ones every epoch
    val=dict(type="SyntheticAnimals", length=200, seed=2),
    test=dict(type="SyntheticAnimals", length=300, seed=3),
)

metrics = [
    dict(type="PCK", thr=0.3, norm=("Shoulder", "Hip")),
    dict(type="NME", norm=("Shoulder", "Hip")),
]
optimizer = dict(lr=7e-4)
schedule = dict(_delete_=True, type="WarmupCosine", warmup_iters=50, warmup_ratio=0.01)
runner = dict(
    epochs=5,
    val_interval=2,
    save_interval=2,
    save_best="PCK@0.3",
    log_interval=20,
    base_batch_size=8,
)
