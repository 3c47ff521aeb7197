# The split by frame, as published: nearly every horse of val and test is in train too.
_base_ = [
    "../../../_base_/keypoints/livestock_horse.py",
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
    dict(type="RandomHalfBody", prob=0.3),
    dict(type="RandomScaleRotate", scale=0.5, degrees=40, rotate_prob=0.6),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="Warp", size="$codec.input_size"),
]

data = dict(
    root="data/livestock-horse",
    batch_size=32,
    val_batch_size=32,
    workers=4,
    train=dict(
        type="CocoPoseDataset",
        ann_file="annotations/train_annotations.coco.json",
        img_root="images/train",
    ),
    val=dict(
        type="CocoPoseDataset",
        ann_file="annotations/val_annotations.coco.json",
        img_root="images/val",
    ),
    test=dict(
        type="CocoPoseDataset",
        ann_file="annotations/test_annotations.coco.json",
        img_root="images/test",
    ),
)

metrics = [
    dict(type="CocoAP", oks_thr=0.9, vis_thr=0.2),
    dict(type="PCK", thr=0.2, norm="box"),
]
schedule = dict(warmup_iters=100)  # an epoch is 14 batches
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="AP", base_batch_size=32)
