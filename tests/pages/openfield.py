# The demonstration of docs/predict.md on openfield: boxes around the mouse and whole frames.
_base_ = [
    "../../configs/_base_/models/hrnet_w32.py",
    "../../configs/_base_/schedules/adam_210e.py",
]
keypoints = dict(
    type="KeypointMeta",
    dataset="openfield",
    names=["snout", "leftear", "rightear", "tailbase"],
    flip_pairs=[("leftear", "rightear")],
    skeleton=[
        ("snout", "leftear"),
        ("snout", "rightear"),
        ("leftear", "tailbase"),
        ("rightear", "tailbase"),
    ],
)
codec = dict(type="MSRAHeatmap", input_size=(128, 128), heatmap_size=(32, 32), sigma=1)
model = dict(codec="$codec", head=dict(out_channels=4), flip_test=True, shift_heatmap=True)
pretrained = None
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="RandomShift", prob=0.3, shift=0.2),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomScaleRotate", scale=0.3, degrees=90, rotate_prob=0.8),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.25),
    dict(type="Warp", size="$codec.input_size"),
]
data = dict(
    root=".",
    batch_size=8,
    val_batch_size=16,
    workers=0,
    train=dict(type="CocoPoseDataset", ann_file="of/train.json", img_root="openfield-dlc"),
    val=dict(type="CocoPoseDataset", ann_file="of/val.json", img_root="openfield-dlc"),
    test=dict(type="CocoPoseDataset", ann_file="of/val.json", img_root="openfield-dlc"),
)
metrics = [dict(type="EPE"), dict(type="PCK", thr=0.2, norm="box")]
optimizer = dict(lr=7e-4)
schedule = dict(_delete_=True, type="WarmupCosine", warmup_iters=50, warmup_ratio=0.01)
runner = dict(
    epochs=30, val_interval=5, save_interval=5, save_best="EPE", log_interval=10, base_batch_size=8
)
