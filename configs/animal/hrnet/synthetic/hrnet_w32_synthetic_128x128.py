# Drawn animals with Horse-10's keypoints: needs no data on disk and no pretrained weights.
# PCK and NME in units of shoulder to hip; nose to eye is a few px here.
_base_ = [
    "../../../_base_/keypoints/horse10.py",
    "../../../_base_/models/hrnet_w32.py",
    "../../../_base_/schedules/adam_210e.py",
    "../../../_base_/runtime.py",
]

codec = dict(type="MSRAHeatmap", input_size=(128, 128), heatmap_size=(32, 32), sigma=1.5)  # w, h
model = dict(
    codec="$codec",
    head=dict(out_channels=22),
    flip_test=True,
    shift_heatmap=True,
)
pretrained = None

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

data = dict(
    batch_size=32,
    val_batch_size=32,
    workers=2,
    train=dict(type="SyntheticAnimals", length=2000, seed=1, fresh=True),
    val=dict(type="SyntheticAnimals", length=200, seed=2),
    test=dict(type="SyntheticAnimals", length=200, seed=2),
)

metrics = [
    dict(type="PCK", thr=0.3, norm=("Shoulder", "Hip")),
    dict(type="NME", norm=("Shoulder", "Hip")),
]
schedule = dict(warmup_iters=50, steps=(8, 10))
runner = dict(
    epochs=12,
    val_interval=4,
    save_interval=4,
    save_best="PCK@0.3",
    log_interval=10,
    base_batch_size=32,
)
