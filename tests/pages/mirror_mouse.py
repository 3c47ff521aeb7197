# The demonstration of docs/predict.md on the mirror mouse: whole frames, never mirrored.
_base_ = [
    "../../configs/_base_/models/hrnet_w32.py",
    "../../configs/_base_/schedules/adam_210e.py",
]
keypoints = dict(
    type="KeypointMeta",
    dataset="mirror_mouse",
    names=[
        "paw1LH_top",
        "paw2LF_top",
        "paw3RF_top",
        "paw4RH_top",
        "tailBase_top",
        "tailMid_top",
        "nose_top",
        "obs_top",
        "paw1LH_bot",
        "paw2LF_bot",
        "paw3RF_bot",
        "paw4RH_bot",
        "tailBase_bot",
        "tailMid_bot",
        "nose_bot",
        "obsHigh_bot",
        "obsLow_bot",
    ],
)
codec = dict(type="MSRAHeatmap", input_size=(128, 128), heatmap_size=(32, 32), sigma=1)
model = dict(codec="$codec", head=dict(out_channels=17), flip_test=False)
pretrained = None
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.0),
    dict(type="RandomShift", prob=0.3, shift=0.05),
    dict(type="RandomScaleRotate", scale=0.1, degrees=10, rotate_prob=0.8),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.0),
    dict(type="Warp", size="$codec.input_size"),
]
data = dict(
    root=".",
    batch_size=8,
    val_batch_size=16,
    workers=0,
    train=dict(type="CocoPoseDataset", ann_file="mm/train.json", img_root="mirror-mouse-dlc"),
    val=dict(type="CocoPoseDataset", ann_file="mm/val.json", img_root="mirror-mouse-dlc"),
    test=dict(type="CocoPoseDataset", ann_file="mm/val.json", img_root="mirror-mouse-dlc"),
)
metrics = [dict(type="EPE"), dict(type="PCK", thr=0.2, norm="box")]
optimizer = dict(lr=7e-4)
schedule = dict(_delete_=True, type="WarmupCosine", warmup_iters=50, warmup_ratio=0.01)
runner = dict(
    epochs=60,
    val_interval=10,
    save_interval=10,
    save_best="EPE",
    log_interval=10,
    base_batch_size=8,
)
