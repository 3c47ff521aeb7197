_base_ = "./hrnet_w32_livestock_256x256.py"
# Other horses at another place: train on all of `dao` (373 images), test on all of `zu` (297).
model = dict(backbone=dict(width=48))
pretrained = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth"
_files = dict(
    ann_file=[f"annotations/{part}_annotations.coco.json" for part in ("train", "val", "test")],
    img_root=[f"images/{part}" for part in ("train", "val", "test")],
)
data = dict(
    train=dict(file_names="dao-*", **_files),
    val=dict(file_names="zu-*", **_files),
    test=dict(file_names="zu-*", **_files),
)
