_base_ = [
    "../../../_base_/keypoints/atrw.py",
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
    dict(type="CropBox", input_size="$codec.input_size", padding=1.0),
    dict(type="RandomShift", prob=0.3, shift=0.2),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomHalfBody", prob=0.3),
    dict(type="RandomScaleRotate", scale=0.5, degrees=40, rotate_prob=0.6),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.0),
    dict(type="Warp", size="$codec.input_size"),
]

_test = dict(
    type="CocoPoseDataset",
    ann_file="annotations/keypoint_val.json",
    img_root="images/val",
    box_clean_up="mmpose",
)
data = dict(
    root="data/atrw",
    batch_size=64,
    val_batch_size=32,
    workers=4,
    train=dict(
        type="CocoPoseDataset",
        ann_file="annotations/keypoint_train.json",
        img_root="images/train",
        box_clean_up="mmpose",
    ),
    val=_test,
    test=_test,
)

metrics = [
    dict(type="CocoAP", oks_thr=0.9, vis_thr=0.2),
    dict(type="PCK", thr=0.2, norm="box"),
]
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="AP")
