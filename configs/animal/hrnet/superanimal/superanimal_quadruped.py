# SuperAnimal-Quadruped of DeepLabCut 3, HRNet-W32, in its own convention (docs/superanimal.md).
# WEIGHTS of `hrpose predict superanimal_quadruped WEIGHTS cage.mp4` are at
# https://huggingface.co/mwmathis/DeepLabCutModelZoo-SuperAnimal-Quadruped/resolve/main/superanimal_quadruped_hrnet_w32.pt
# Licence, as DeepLabCut's README (commit 2df0f46c) words it: "SuperAnimal models are provided for
# research use only (non-commercial use)."
_base_ = [
    "../../../_base_/keypoints/superanimal_quadruped.py",
    "../../../_base_/models/hrnet_w32.py",
]

codec = dict(  # w, h; sigma in cells: two thirds of 17 px
    type="DeepLabCutHeatmap", input_size=(256, 256), heatmap_size=(64, 64), sigma=17 / 6
)
model = dict(codec="$codec", flip_test=False)
# to start from the weights: hrpose train superanimal_quadruped --load-from WEIGHTS
pretrained = None

# as DeepLabCut trains, no mirror images
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CropBox", input_size="$codec.input_size", padding=1.0),
    dict(type="RandomScaleRotate", scale=0.0, degrees=15, rotate_prob=0.5),
    dict(type="Warp", size="$codec.input_size"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="WholePixelCrop", size="$codec.input_size"),
]

_coco = dict(type="CocoPoseDataset", img_root="images")  # labels of your own with these keypoints
data = dict(
    root="data/superanimal_quadruped",
    batch_size=32,
    workers=4,
    train=dict(**_coco, ann_file="annotations/train.json"),
    val=dict(**_coco, ann_file="annotations/val.json"),
    test=dict(**_coco, ann_file="annotations/test.json"),
)

metrics = [
    dict(type="PCK", thr=0.2, norm="box"),
    dict(type="NME", norm="box"),
    dict(type="EPE"),
]
optimizer = dict(type="AdamW", lr=1e-5)  # DeepLabCut's rate for these weights
schedule = dict(type="WarmupCosine", warmup_iters=100)
runner = dict(epochs=100, val_interval=5, save_interval=5, save_best="NME")
