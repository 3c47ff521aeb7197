# AP-10K, split 1, by the rules of MMPose in October 2021 (0.2x), when the table was made.
# AP is the mean over the species, each scored for itself; all numbers are of the test split.
# Established: boxes are still made 1 px smaller (MMPose's issue 1333, April 2022), and shifts were
# drawn from the raw box; MMPose drew them once for all epochs, here each epoch draws anew.
# Not established: AP(M) and AP(L). xtcocotools 1.10, of those months, gave them wrongly low (its
# issues 24 and 25, mended in 1.12); which version made the table is not known.
_base_ = [
    "../../../_base_/keypoints/ap10k.py",
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

_files = dict(type="CocoPoseDataset", img_root="data", box_clean_up="mmpose")
data = dict(
    root="data/ap10k",
    batch_size=64,
    val_batch_size=32,
    workers=4,
    train=dict(ann_file="annotations/ap10k-train-split1.json", **_files),
    val=dict(ann_file="annotations/ap10k-val-split1.json", **_files),
    test=dict(ann_file="annotations/ap10k-test-split1.json", **_files),
)

metrics = [
    dict(type="CocoAP", oks_thr=0.9, vis_thr=0.2),
    dict(type="PCK", thr=0.2, norm="box"),
]
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="AP")
