# Animal-Pose by the rules of MMPose 0.14 (April 2021). Trained and tested on images of VOC alone;
# all species are one category. MMPose drew shifts once for all epochs, here each epoch draws anew.
# Not established: the split, which hangs on the order of files on its authors' disk. The table
# needs MMPose's own animalpose_val.json (1,117 animals).
_base_ = [
    "../../../_base_/keypoints/animalpose.py",
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

_files = dict(type="CocoPoseDataset", img_root="", box_clean_up="mmpose")
_test = dict(ann_file="annotations/animalpose_val.json", **_files)
data = dict(
    root="data/animalpose",
    batch_size=64,
    val_batch_size=32,
    workers=4,
    train=dict(ann_file="annotations/animalpose_train.json", **_files),
    val=_test,
    test=_test,
)

metrics = [
    dict(type="CocoAP", oks_thr=0.9, vis_thr=0.2),
    dict(type="PCK", thr=0.2, norm="box"),
]
runner = dict(epochs=210, val_interval=10, save_interval=10, save_best="AP")
